// SPDX-License-Identifier: Apache-2.0
// Calls of functions and of the runtime (abi/convention.h, abi/libcall.def).
#include <algorithm>

#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using asmjit::Imm;
using Location = abi::ArgumentLocation;

// Takes the arguments from the stack: first those that go there again, while
// allocating a register may still spill the others, then those in registers.
void Machine::move_arguments(const Callee& callee) {
  const std::vector<Location>& params = callee.layout->params;
  const size_t from = f_.height() - params.size();
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i].kind != Location::Kind::stack) continue;
    const x86::Mem to(x86::rsp, static_cast<int32_t>(params[i].index), 8);
    Value& value = f_.at(from + i);
    if (value.is_constant()) {
      store_constant(value.type, to, value.bits);
      continue;
    }
    Value copy = value;
    const bool ours = !value.is_reg() && f_.home_or_none(value) == kNoReg;
    store_memory(value.type, to, f_.in_register(copy));
    if (ours) f_.release(copy);
  }
  moves_.clear();
  arguments_.clear();
  for (size_t i = params.size(); i-- > 0;) {
    const Value value = f_.pop();
    arguments_.push_back(value);
    if (params[i].kind != Location::Kind::stack) moves_.add(argument_register(params[i]), value);
  }
  moves_.run();
  for (const Value& value : arguments_) f_.release(value);
  if (env_.options.dirty_upper_bits)
    for (size_t i = 0; i < params.size(); ++i)
      if (callee.type->params[i] == wasm::kI32 && params[i].kind == Location::Kind::integer_register)
        dirty(argument_register(params[i]));
}

// The callee popped its stack area and 8 bytes more than it was given.
void Machine::restore_stack(uint32_t popped) {
  if (popped == 8) return emit(Inst::kIdPush, gp64(kRax));
  emit(Inst::kIdSub, x86::rsp, Imm(popped));
}

void Machine::push_call_results(const Callee& callee, uint32_t area) {
  static constexpr Reg kIntegers[] = {kRax, kRdx, kRcx};
  const auto& results = callee.type->results;
  if (!callee.layout->result_area) {
    for (size_t i = 0; i < results.size(); ++i) {
      const Type type = type_of(results[i]);
      const uint32_t n = callee.layout->results[i].index;
      f_.take(bank_of(type) == Bank::integer ? kIntegers[n] : static_cast<Reg>(kXmm0 + n));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      const Type type = type_of(results[i]);
      const uint32_t n = callee.layout->results[i].index;
      const Reg reg = bank_of(type) == Bank::integer ? kIntegers[n] : static_cast<Reg>(kXmm0 + n);
      push_result(type, reg, type == Type::i32 ? Value::kDirty : 0);
    }
    return;
  }
  // Out of the area, which the next call may overwrite, into their slots.
  for (size_t i = 0; i < results.size(); ++i) {
    const Type type = type_of(results[i]);
    const Reg reg = f_.allocate(type);
    load_memory(type, reg, x86::Mem(x86::rsp, static_cast<int32_t>(area + 16 * i), 8));
    store_slot(type, f_.slot_of(f_.height()), reg);
    f_.release(reg);
    f_.push_slot(type);
  }
}

// Checks the index and the type; leaves the address of the code, or of the FuncRef
// of a dynamic table, in rax, which is no argument's register.
void Machine::indirect_target(const Callee& callee, bool static_table) {
  Value index = f_.pop();
  const uint32_t type = env_.canonical[callee.index];
  if (!(index.is_reg() && index.reg == kRax)) {
    f_.take(kRax);
    f_.move_to(kRax, index);
    f_.release(index);
  } else {
    clean_register(index);
  }
  const Reg table = f_.allocate(Bank::integer);
  if (static_table) {
    const auto size = static_cast<uint32_t>(env_.static_tables[callee.table].functions.size());
    emit(Inst::kIdCmp, gp32(kRax), Imm(static_cast<int32_t>(size)));
    trap_if(kAboveEqual, Trap::undefined_element);
    emit(Inst::kIdLea, gp64(table), x86::Mem(x86::rip, 0, 8));
    chunk_.fixups.push_back({a_.position() - 4, Fixup::Kind::static_table, callee.table});
    emit(Inst::kIdLea, gp64(kRax), x86::Mem(gp64(table), gp64(kRax), 3, 0));
    emit(Inst::kIdCmp, x86::Mem(gp64(kRax), 0, 4), Imm(static_cast<int32_t>(type)));
    trap_if(kNotEqual, Trap::indirect_call_type);
    trap_sites_.back().in_static_table = true;
    emit(Inst::kIdMovsxd, gp64(kRax), x86::Mem(gp64(kRax), 4, 4));
    emit(Inst::kIdAdd, gp64(kRax), gp64(table));
    return f_.release(table);
  }
  touch(callee.table);
  f_.refresh(kRdi);
  emit(Inst::kIdMov, gp64(table), x86::Mem(x86::rdi, static_cast<int32_t>(env_.layout.table(wasm::TableIndex(callee.table))), 8));
  emit(Inst::kIdCmp, gp64(kRax), x86::Mem(gp64(table), offsetof(abi::TableDescriptor, length), 8));
  trap_if(kAboveEqual, Trap::undefined_element);
  emit(Inst::kIdMov, gp64(table), x86::Mem(gp64(table), offsetof(abi::TableDescriptor, elements), 8));
  emit(Inst::kIdMov, gp64(kRax), x86::Mem(gp64(table), gp64(kRax), 3, 0, 8));
  emit(Inst::kIdTest, gp64(kRax), gp64(kRax));
  trap_if(kEqual, Trap::uninitialized_element);
  emit(Inst::kIdMov, gp64(table), x86::Mem(x86::rdi, offsetof(abi::Context, type_ids), 8));
  emit(Inst::kIdMov, gp32(table), x86::Mem(gp64(table), static_cast<int32_t>(4 * type), 4));
  emit(Inst::kIdCmp, gp32(table), x86::Mem(gp64(kRax), offsetof(abi::FuncRef, type_id), 4));
  trap_if(kNotEqual, Trap::indirect_call_type);
  f_.release(table);
}

void Machine::call(const Callee& callee) {
  CHECK(plan_.has_calls, "the survey saw this call");
  in_.offset = callee.offset;
  const bool indirect = callee.kind == Callee::Kind::indirect;
  const bool static_table = indirect && env_.static_tables[callee.table].is_static;
  if (indirect) indirect_target(callee, static_table);
  f_.refresh(kRdi);
  if (has_memory_ && (callee.kind == Callee::Kind::direct || static_table)) f_.refresh(kRsi);

  f_.spill_registers(f_.height() - callee.layout->params.size());
  f_.before_call();
  const uint32_t popped = callee.layout->stack_bytes;
  const uint32_t area = (popped + 15) & ~15u;
  need_outgoing(area + (callee.layout->result_area ? 16 * static_cast<uint32_t>(callee.type->results.size()) : 0));
  move_arguments(callee);
  if (callee.layout->result_area) emit(Inst::kIdLea, gp64(kRdx), x86::Mem(x86::rsp, static_cast<int32_t>(area), 8));

  switch (callee.kind) {
    case Callee::Kind::direct:
      line(callee.offset);
      a_.byte(0xe8);
      chunk_.fixups.push_back({a_.position(), Fixup::Kind::function, callee.index});
      a_.word(0);
      break;
    case Callee::Kind::imported: {
      const auto at = static_cast<int32_t>(env_.layout.imported_function(wasm::FuncIndex(callee.index)));
      emit(Inst::kIdMov, gp64(kRax), x86::Mem(x86::rdi, at + static_cast<int32_t>(offsetof(abi::FuncRef, code)), 8));
      emit(Inst::kIdMov, x86::rsi, x86::Mem(x86::rdi, at + static_cast<int32_t>(offsetof(abi::FuncRef, memory_base)), 8));
      emit(Inst::kIdMov, x86::rdi, x86::Mem(x86::rdi, at + static_cast<int32_t>(offsetof(abi::FuncRef, context)), 8));
      line(callee.offset);
      emit(Inst::kIdCall, gp64(kRax));
      break;
    }
    case Callee::Kind::indirect:
      if (static_table) {
        line(callee.offset);
        emit(Inst::kIdCall, gp64(kRax));
      } else {
        emit(Inst::kIdMov, x86::rdi, x86::Mem(gp64(kRax), offsetof(abi::FuncRef, context), 8));
        emit(Inst::kIdMov, x86::rsi, x86::Mem(gp64(kRax), offsetof(abi::FuncRef, memory_base), 8));
        line(callee.offset);
        emit(Inst::kIdCall, x86::Mem(gp64(kRax), offsetof(abi::FuncRef, code), 8));
      }
      f_.release(kRax);
      break;
  }
  restore_stack(popped);
  f_.after_call();
  push_call_results(callee, area);
}

void Machine::libcall_row(const Row& row) {
  static constexpr Reg kArguments[] = {kRsi, kRdx, kRcx, kR8, kR9};
  const uint32_t operands = row.inst, constants = row.bytes;
  CHECK(plan_.has_calls, "the survey saw this call");
  f_.refresh(kRdi);
  f_.spill_registers(f_.height() - operands);
  f_.before_call();
  moves_.clear();
  arguments_.clear();
  for (size_t i = operands; i-- > 0;) {
    const Value value = f_.pop();
    arguments_.push_back(value);
    moves_.add(kArguments[constants + i], value);
  }
  moves_.run();
  for (const Value& value : arguments_) f_.release(value);
  const uint32_t indices[] = {in_.index, in_.index2};
  for (uint32_t i = 0; i < constants; ++i) load_constant(Type::i32, kArguments[i], indices[i]);
  emit(Inst::kIdMov, gp32(kRax), Imm(row.extra));
  line(in_.offset);
  emit(Inst::kIdCall, x86::Mem(x86::rdi, offsetof(abi::Context, libcall), 8));
  f_.after_call();
  if (!row.avx) return;
  f_.take(kRax);
  push_result(row.type, kRax, row.type == Type::i32 ? Value::kDirty : 0);
}

void Machine::table_row(const Row& row) {
  touch(in_.index);
  if (in_.op == wasm::Opcode::table_copy) touch(in_.index2);
  libcall_row(row);
}

void Machine::table_init(const Row& row) {
  touch(in_.index2);
  libcall_row(row);
}

void Machine::table_size(const Row&) {
  touch(in_.index);
  f_.refresh(kRdi);
  const Reg dst = f_.result(Type::i32);
  emit(Inst::kIdMov, gp64(dst), x86::Mem(x86::rdi, static_cast<int32_t>(env_.layout.table(wasm::TableIndex(in_.index))), 8));
  emit(Inst::kIdMov, gp32(dst), x86::Mem(gp64(dst), offsetof(abi::TableDescriptor, length), 4));
  push_result(Type::i32, dst);
}

void Machine::ref_func(const Row&) {
  f_.refresh(kRdi);
  const Reg dst = f_.result(Type::i64);
  const std::optional<uint32_t> offset = env_.func_ref_offset(in_.index);
  if (!offset) chunk_.touched_tables.push_back(abi::kNone);
  emit(Inst::kIdLea, gp64(dst), x86::Mem(x86::rdi, static_cast<int32_t>(offset.value_or(0)), 8));
  push_result(Type::i64, dst);
}

void Machine::touch(uint32_t table) {
  if (env_.static_tables[table].is_static) chunk_.touched_tables.push_back(table);
}

}  // namespace wherry::baseline::x64
