// SPDX-License-Identifier: Apache-2.0
// Linear memory and globals.
#include "abi/cpu.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;
using wasm::Opcode;

namespace {

// Offsets up to here stay within the guard behind the largest index.
constexpr uint64_t kMaxGuardedOffset = (32u << 20) - 16;

// Instructions that may take their right operand, of this type, from memory.
bool folds_load(Opcode op, Type type) {
  switch (op) {
    case Opcode::i32_add:
    case Opcode::i32_sub:
    case Opcode::i32_mul:
    case Opcode::i32_and:
    case Opcode::i32_or:
    case Opcode::i32_xor:
    case Opcode::i32_eq:
    case Opcode::i32_ne:
    case Opcode::i32_lt_s:
    case Opcode::i32_lt_u:
    case Opcode::i32_gt_s:
    case Opcode::i32_gt_u:
    case Opcode::i32_le_s:
    case Opcode::i32_le_u:
    case Opcode::i32_ge_s:
    case Opcode::i32_ge_u:
    case Opcode::i32_eqz:
    case Opcode::if_:
    case Opcode::br_if: return type == Type::i32;
    case Opcode::i64_add:
    case Opcode::i64_sub:
    case Opcode::i64_mul:
    case Opcode::i64_and:
    case Opcode::i64_or:
    case Opcode::i64_xor:
    case Opcode::i64_eq:
    case Opcode::i64_ne:
    case Opcode::i64_lt_s:
    case Opcode::i64_lt_u:
    case Opcode::i64_gt_s:
    case Opcode::i64_gt_u:
    case Opcode::i64_le_s:
    case Opcode::i64_le_u:
    case Opcode::i64_ge_s:
    case Opcode::i64_ge_u:
    case Opcode::i64_eqz: return type == Type::i64;
    case Opcode::f32_add:
    case Opcode::f32_sub:
    case Opcode::f32_mul:
    case Opcode::f32_div: return type == Type::f32;
    case Opcode::f64_add:
    case Opcode::f64_sub:
    case Opcode::f64_mul:
    case Opcode::f64_div: return type == Type::f64;
    default: return false;
  }
}

}  // namespace

x86::Mem Machine::mem(const Address& address, uint32_t bytes) {
  if (address.index == kNoReg) return x86::Mem(x86::rsi, address.displacement, bytes);
  return x86::Mem(x86::rsi, gp64(address.index), 0, address.displacement, bytes);
}

// The index is clean and below 2^32, the offset too, so their sum does not wrap.
Machine::Address Machine::checked_address(Reg index, uint64_t offset, uint32_t bytes) {
  const Reg end = f_.allocate(Bank::integer);
  const uint64_t past = offset + bytes;
  if (index == kNoReg) {
    load_constant(Type::i64, end, past);
  } else if (past <= INT32_MAX) {
    emit(Inst::kIdLea, gp64(end), x86::Mem(gp64(index), static_cast<int32_t>(past)));
  } else {
    load_constant(Type::i64, end, past);
    emit(Inst::kIdAdd, gp64(end), gp64(index));
  }
  const Reg memory = f_.allocate(Bank::integer);
  emit(Inst::kIdMov, gp64(memory), x86::Mem(x86::rdi, offsetof(abi::Context, memory0), 8));
  emit(Inst::kIdCmp, gp64(end), x86::Mem(gp64(memory), offsetof(abi::MemoryDescriptor, length), 8));
  f_.release(memory);
  trap_if(kAbove, Trap::memory_out_of_bounds);
  return {end, -static_cast<int32_t>(bytes)};
}

Machine::Address Machine::address(Value& index, uint64_t offset, uint32_t bytes) {
  f_.refresh(kRsi);
  const bool check = env_.options.explicit_bounds_checks;
  if (check) f_.refresh(kRdi);
  if (index.is_constant()) {
    const uint64_t at = static_cast<uint32_t>(index.bits) + offset;
    if (!check && at + bytes <= INT32_MAX) return {kNoReg, static_cast<int32_t>(at)};
    f_.refresh(kRdi);
    const Address result = checked_address(kNoReg, at, bytes);
    index = Value::in(Type::i64, result.index);
    return result;
  }
  const Reg reg = clean_register(index);
  if (!check && offset <= kMaxGuardedOffset) return {reg, static_cast<int32_t>(offset)};
  f_.refresh(kRdi);
  const Address result = checked_address(reg, offset, bytes);
  f_.release(index);
  index = Value::in(Type::i64, result.index);
  return result;
}

void Machine::load(const Row& row) {
  Value index = f_.pop();
  const Address at = address(index, in_.value, row.bytes);
  const bool plain = row.bytes == size_of(row.type);
  if (plain && folds_load(next_.op, row.type) && f_.aim() == kNoReg)
    return f_.push({Value::Kind::memory, row.type, at.index, 0, in_.offset, static_cast<uint64_t>(int64_t{at.displacement})});
  f_.release(index);
  const Reg dst = f_.result(row.type);
  line(in_.offset);
  const x86::Mem from = mem(at, row.bytes);
  if (bank_of(row.type) == Bank::vector) {
    vector2(row.inst, row.avx, xmm(dst), from);
  } else {
    // extra: the destination is 32 bits wide, and the processor clears the rest.
    emit(row.inst, row.extra ? gp32(dst) : gp(row.type, dst), from);
  }
  push_result(row.type, dst);
}

void Machine::store(const Row& row) {
  Value value = f_.pop(), index = f_.pop();
  if (bank_of(row.type) == Bank::vector) {
    const Reg reg = f_.in_register(value);
    const Address at = address(index, in_.value, row.bytes);
    line(in_.offset);
    emit(has(bit(Cpu::avx)) ? row.avx : row.inst, mem(at, row.bytes), xmm(reg));
  } else if (value.is_constant() && (row.bytes < 8 || static_cast<int64_t>(value.bits) == value.i32())) {
    const Address at = address(index, in_.value, row.bytes);
    line(in_.offset);
    const int64_t bits = row.bytes == 1   ? static_cast<int8_t>(value.bits)
                         : row.bytes == 2 ? static_cast<int16_t>(value.bits)
                                          : value.i32();
    emit(Inst::kIdMov, mem(at, row.bytes), Imm(bits));
  } else {
    const Reg reg = f_.in_register(value);
    const Address at = address(index, in_.value, row.bytes);
    line(in_.offset);
    const x86::Gp from = row.bytes == 1   ? x86::Gp(x86::gpb(reg))
                         : row.bytes == 2 ? x86::Gp(x86::gpw(reg))
                         : row.bytes == 4 ? x86::Gp(gp32(reg))
                                          : x86::Gp(gp64(reg));
    emit(Inst::kIdMov, mem(at, row.bytes), from);
  }
  f_.release(value);
  f_.release(index);
}

void Machine::memory_size(const Row&) {
  f_.refresh(kRdi);
  const Reg dst = f_.result(Type::i32);
  emit(Inst::kIdMov, gp64(dst), x86::Mem(x86::rdi, offsetof(abi::Context, memory0), 8));
  emit(Inst::kIdMov, gp64(dst), x86::Mem(gp64(dst), offsetof(abi::MemoryDescriptor, length), 8));
  emit(Inst::kIdShr, gp64(dst), Imm(16));
  push_result(Type::i32, dst);
}

// A defined global is in the context; an imported one's address is.
x86::Mem Machine::global_memory(uint32_t index, uint32_t bytes, Reg& holder) {
  f_.refresh(kRdi);
  const auto offset = static_cast<int32_t>(env_.layout.global(wasm::GlobalIndex(index)));
  if (index >= env_.module.imported_globals) return x86::Mem(x86::rdi, offset, bytes);
  holder = f_.allocate(Bank::integer);
  emit(Inst::kIdMov, gp64(holder), x86::Mem(x86::rdi, offset, 8));
  return x86::Mem(gp64(holder), 0, bytes);
}

void Machine::global_get(const Row&) {
  const Type type = type_of(env_.module.globals[in_.index].type.value);
  Reg holder = kNoReg;
  const x86::Mem from = global_memory(in_.index, size_of(type), holder);
  if (holder != kNoReg) f_.release(holder);
  const Reg dst = f_.result(type);
  load_memory(type, dst, from);
  push_result(type, dst);
}

void Machine::global_set(const Row&) {
  const Type type = type_of(env_.module.globals[in_.index].type.value);
  Value value = f_.pop();
  if (value.is_constant()) {
    Reg holder = kNoReg;
    const x86::Mem to = global_memory(in_.index, size_of(type), holder);
    store_constant(type, to, value.bits);
    if (holder != kNoReg) f_.release(holder);
    return;
  }
  const Reg reg = f_.in_register(value);
  Reg holder = kNoReg;
  const x86::Mem to = global_memory(in_.index, size_of(type), holder);
  store_memory(type, to, reg);
  if (holder != kNoReg) f_.release(holder);
  f_.release(value);
}

}  // namespace wherry::baseline::x64
