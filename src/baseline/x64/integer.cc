// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic, comparisons and bit counting.
#include "abi/cpu.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;
using wasm::Opcode;

namespace {

bool is_power_of_two(uint64_t n) { return n && !(n & (n - 1)); }

uint64_t masked(Type type, uint64_t bits) { return type == Type::i32 ? bits & 0xffff'ffff : bits; }

// Takes a condition straight from the flags.
bool takes_flags(Opcode op) {
  return op == Opcode::br_if || op == Opcode::if_ || op == Opcode::i32_eqz || op == Opcode::select || op == Opcode::select_t;
}

uint8_t swapped(uint8_t condition) {
  switch (condition) {
    case kBelow: return kAbove;
    case kAbove: return kBelow;
    case kBelowEqual: return kAboveEqual;
    case kAboveEqual: return kBelowEqual;
    case kLess: return kGreater;
    case kGreater: return kLess;
    case kLessEqual: return kGreaterEqual;
    case kGreaterEqual: return kLessEqual;
    default: return condition;
  }
}

bool fits_i32(int64_t n) { return n == static_cast<int32_t>(n); }

}  // namespace

void Machine::alu_values(const Row& row, Value left, Value right) {
  const Reg dst = destination(row.type, left, right);
  const asmjit::Operand source = operand(right, row.type);
  emit(row.inst, gp(row.type, dst), source);
  f_.release(right);
  push_result(row.type, dst);
}

void Machine::alu(const Row& row) {
  const bool only_condition = row.type == Type::i32 ? takes_flags(next_.op) : next_.op == Opcode::i64_eqz;
  if (row.inst == Inst::kIdAnd && only_condition) return test(row);
  Value right = f_.pop(), left = f_.pop();
  if (should_swap(left, right)) std::swap(left, right);
  alu_values(row, left, right);
}

// and, of which only the condition is wanted.
void Machine::test(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  if (left.is_constant() || right.kind == Value::Kind::memory) std::swap(left, right);
  if (left.is_constant()) f_.in_register(left);
  if (right.is_constant() && (row.type == Type::i32 || fits_i32(static_cast<int64_t>(right.bits)))) {
    const asmjit::Operand source = operand(left, row.type);
    emit(Inst::kIdTest, source, Imm(right.i32()));
  } else {
    const Reg reg = f_.in_register(right);
    const asmjit::Operand source = operand(left, row.type);
    emit(Inst::kIdTest, source, gp(row.type, reg));
  }
  f_.release(left);
  f_.release(right);
  push_condition(kNotEqual);
}

// lea adds without destroying an operand, and scales one.
void Machine::add(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  if (left.kind == Value::Kind::scaled || should_swap(left, right)) std::swap(left, right);
  const Reg aim = f_.aim();
  const bool has_aim = aim != kNoReg && bank_of(aim) == Bank::integer;
  if (right.kind == Value::Kind::scaled) {
    const Reg base = f_.in_register(left);
    const Reg dst = has_aim ? aim : f_.is_temporary(right.reg) ? right.reg : f_.is_temporary(base) ? base : f_.allocate(Bank::integer);
    emit(Inst::kIdLea, gp(row.type, dst), x86::Mem(gp64(base), gp64(right.reg), right.aux, 0));
    if (dst != right.reg) f_.release(right.reg);
    if (dst != base) f_.release(base);
    return push_result(row.type, dst);
  }
  const bool in_place = has_aim ? f_.uses(left, aim) : left.is_reg() && f_.is_temporary(left.reg);
  const bool simple_right = right.is_constant() ? fits_i32(static_cast<int64_t>(right.bits)) || row.type == Type::i32
                                                : right.is_reg() || (right.kind == Value::Kind::local && !f_.in_memory(right));
  if (in_place || !simple_right || f_.in_memory(left) || left.is_constant()) return alu_values(row, left, right);
  const Reg base = f_.in_register(left);
  const Reg dst = has_aim ? aim : f_.allocate(Bank::integer);
  if (right.is_constant()) {
    emit(Inst::kIdLea, gp(row.type, dst), x86::Mem(gp64(base), right.i32()));
  } else {
    emit(Inst::kIdLea, gp(row.type, dst), x86::Mem(gp64(base), gp64(f_.in_register(right)), 0, 0));
  }
  if (dst != base) f_.release(left);
  f_.release(right);
  push_result(row.type, dst);
}

void Machine::sub(const Row& row) {
  Value& right = f_.top();
  const int64_t n = row.type == Type::i32 ? right.i32() : static_cast<int64_t>(right.bits);
  if (right.is_constant() && fits_i32(n) && n != INT32_MIN) {
    right.bits = masked(row.type, static_cast<uint64_t>(-n));
    return add({&Machine::add, row.type, Inst::kIdAdd});
  }
  Value b = f_.pop(), a = f_.pop();
  alu_values(row, a, b);
}

void Machine::mul(const Row& row) {
  if (f_.top(1).is_constant() && !f_.top().is_constant() && f_.top().kind != Value::Kind::memory) {
    Value right = f_.pop(), left = f_.pop();
    f_.push(right);
    f_.push(left);
  }
  if (!f_.top().is_constant()) return alu(row);
  const uint64_t factor = masked(row.type, f_.top().bits);
  if (is_power_of_two(factor)) {
    f_.top().bits = static_cast<uint64_t>(std::countr_zero(factor));
    return shift({&Machine::shift, row.type, Inst::kIdShl, Inst::kIdShlx});
  }
  const int64_t n = row.type == Type::i32 ? f_.top().i32() : static_cast<int64_t>(factor);
  if (!fits_i32(n)) return alu(row);
  f_.pop();
  Value left = f_.pop();
  if (factor == 3 || factor == 5 || factor == 9) {
    const Reg reg = f_.in_register(left);
    f_.release(left);
    const Reg dst = f_.result(row.type);
    emit(Inst::kIdLea, gp(row.type, dst), x86::Mem(gp64(reg), gp64(reg), factor == 3 ? 1 : factor == 5 ? 2 : 3, 0));
    return push_result(row.type, dst);
  }
  const asmjit::Operand source = operand(left, row.type);
  if (source.isImm()) {
    const Reg reg = f_.in_temporary(left);
    emit(Inst::kIdImul, gp(row.type, reg), gp(row.type, reg), Imm(n));
    return push_result(row.type, reg);
  }
  f_.release(left);
  const Reg dst = f_.result(row.type);
  emit(Inst::kIdImul, gp(row.type, dst), source, Imm(n));
  push_result(row.type, dst);
}

void Machine::shift(const Row& row) {
  Value count = f_.pop();
  Value left = f_.pop();
  const uint32_t width = row.type == Type::i32 ? 31 : 63;
  if (count.is_constant()) {
    const auto n = static_cast<uint32_t>(count.bits & width);
    const bool to_add = row.inst == Inst::kIdShl && n >= 1 && n <= 3 && f_.aim() == kNoReg &&
                        next_.op == (row.type == Type::i32 ? Opcode::i32_add : Opcode::i64_add);
    if (to_add && !left.is_constant() && left.kind != Value::Kind::memory) {
      const Reg reg = f_.in_register(left);
      return f_.push({Value::Kind::scaled, row.type, reg, static_cast<uint8_t>(n), 0, 0});
    }
    const Reg dst = destination(row.type, left, count);
    if (n) emit(row.inst, gp(row.type, dst), Imm(n));
    return push_result(row.type, dst);
  }
  if (row.avx && has(bit(Cpu::bmi2))) {
    const Reg amount = f_.in_register(count);
    const asmjit::Operand source = left.is_constant() ? asmjit::Operand(gp(row.type, f_.in_register(left))) : operand(left, row.type);
    f_.release(left);
    f_.release(count);
    const Reg dst = f_.result(row.type);
    emit(row.avx, gp(row.type, dst), source, gp(row.type, amount));
    return push_result(row.type, dst);
  }
  // The count goes to cl.
  if (!(count.is_reg() && count.reg == kRcx)) {
    if (left.is_reg() && left.reg == kRcx) {
      const Reg other = f_.allocate(Bank::integer);
      emit(Inst::kIdMov, gp64(other), gp64(kRcx));
      left = Value::in(left.type, other);
    } else {
      f_.take(kRcx);
    }
    f_.move_to(kRcx, count);
    f_.release(count);
    count = Value::in(count.type, kRcx);
  }
  const Reg dst = destination(row.type, left, count);
  emit(row.inst, gp(row.type, dst), x86::cl);
  f_.release(kRcx);
  push_result(row.type, dst);
}

void Machine::push_condition(uint8_t condition) {
  if (takes_flags(next_.op) || next_.op == Opcode::i64_eqz) {
    flags_pending_ = true;
    return f_.push({Value::Kind::flags, Type::i32, kNoReg, condition, 0, 0});
  }
  const Reg dst = f_.result(Type::i32);
  finish({Value::Kind::flags, Type::i32, kNoReg, condition, 0, 0}, dst);
  push_result(Type::i32, dst);
}

void Machine::compare(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  uint8_t condition = row.extra;
  if (left.is_constant() && !right.is_constant()) {
    std::swap(left, right);
    condition = swapped(condition);
  }
  const bool zero = right.is_constant() && masked(row.type, right.bits) == 0;
  if (zero && left.kind != Value::Kind::memory && !f_.in_memory(left)) {
    const Reg reg = f_.in_register(left);
    emit(Inst::kIdTest, gp(row.type, reg), gp(row.type, reg));
  } else if (right.is_constant() && !left.is_constant() &&
             (row.type == Type::i32 || fits_i32(static_cast<int64_t>(right.bits)))) {
    const asmjit::Operand source = operand(left, row.type);
    emit(Inst::kIdCmp, source, operand(right, row.type));
  } else {
    if (right.is_constant()) f_.in_register(right);
    const Reg reg = f_.in_register(left);
    emit(Inst::kIdCmp, gp(row.type, reg), operand(right, row.type));
  }
  f_.release(left);
  f_.release(right);
  push_condition(condition);
}

void Machine::eqz(const Row& row) {
  if (f_.top().kind == Value::Kind::flags) {
    const Value value = f_.pop();
    return push_condition(value.aux ^ 1);
  }
  f_.push_constant(row.type, 0);
  compare({&Machine::compare, row.type, 0, 0, 0, kEqual});
}

uint8_t Machine::condition(Value value) {
  uint8_t condition = kNotEqual;
  if (value.kind == Value::Kind::flags) {
    condition = value.aux;
  } else if (value.kind == Value::Kind::memory || f_.in_memory(value)) {
    emit(Inst::kIdCmp, operand(value, Type::i32), Imm(0));
  } else {
    const Reg reg = f_.in_register(value);
    emit(Inst::kIdTest, gp32(reg), gp32(reg));
  }
  f_.release(value);
  flags_pending_ = true;
  return condition;
}

void Machine::count_bits(const Row& row) {
  const uint64_t needed = row.extra;
  if (!has(uint64_t{1} << needed)) return count_bits_slowly(row);
  Value value = f_.pop();
  const asmjit::Operand source = value.is_constant() ? asmjit::Operand(gp(row.type, f_.in_register(value))) : operand(value, row.type);
  f_.release(value);
  const Reg dst = f_.result(row.type);
  // Older processors wait for the destination's old value.
  if (!(source.isReg() && source.as<x86::Gp>().id() == dst) && source.isReg())
    emit(Inst::kIdXor, gp32(dst), gp32(dst));
  emit(row.inst, gp(row.type, dst), source);
  push_result(row.type, dst);
}

// With the first processors of SSE4.1: bsr and bsf, and the parallel sum.
void Machine::count_bits_slowly(const Row& row) {
  Value value = f_.pop();
  const Reg reg = f_.in_temporary(value);
  const bool is_64 = row.type == Type::i64;
  const x86::Gp x = gp(row.type, reg);
  if (row.inst != Inst::kIdPopcnt) {
    Label done, zero;
    const bool leading = row.inst == Inst::kIdLzcnt;
    emit(leading ? Inst::kIdBsr : Inst::kIdBsf, x, x);
    a_.branch(kEqual, zero);
    if (leading) emit(Inst::kIdXor, x, Imm(is_64 ? 63 : 31));
    a_.jump(done);
    a_.place(zero);
    emit(Inst::kIdMov, gp32(reg), Imm(is_64 ? 64 : 32));
    a_.place(done);
    return push_result(row.type, reg);
  }
  const Reg other = f_.allocate(Bank::integer), mask = f_.allocate(Bank::integer);
  const x86::Gp y = gp(row.type, other), m = gp(row.type, mask);
  const auto constant = [&](uint64_t pattern) { load_constant(row.type, mask, masked(row.type, pattern)); };
  emit(Inst::kIdMov, y, x);
  emit(Inst::kIdShr, y, Imm(1));
  constant(0x5555'5555'5555'5555);
  emit(Inst::kIdAnd, y, m);
  emit(Inst::kIdSub, x, y);
  constant(0x3333'3333'3333'3333);
  emit(Inst::kIdMov, y, x);
  emit(Inst::kIdShr, y, Imm(2));
  emit(Inst::kIdAnd, y, m);
  emit(Inst::kIdAnd, x, m);
  emit(Inst::kIdAdd, x, y);
  emit(Inst::kIdMov, y, x);
  emit(Inst::kIdShr, y, Imm(4));
  emit(Inst::kIdAdd, x, y);
  constant(0x0f0f'0f0f'0f0f'0f0f);
  emit(Inst::kIdAnd, x, m);
  constant(0x0101'0101'0101'0101);
  emit(Inst::kIdImul, x, m);
  emit(Inst::kIdShr, x, Imm(is_64 ? 56 : 24));
  f_.release(other);
  f_.release(mask);
  push_result(row.type, reg);
}

void Machine::extend(const Row& row) {
  Value value = f_.pop();
  const Reg source = f_.in_register(value);
  f_.release(value);
  const Reg dst = f_.result(row.type);
  const x86::Gp from = row.bytes == 1 ? x86::Gp(x86::gpb(source)) : row.bytes == 2 ? x86::Gp(x86::gpw(source)) : x86::Gp(gp32(source));
  emit(row.inst, gp(row.type, dst), from);
  push_result(row.type, dst);
}

// The upper half stays what it was.
void Machine::wrap(const Row&) {
  Value value = f_.pop();
  if (value.is_constant()) return f_.push_constant(Type::i32, masked(Type::i32, value.bits));
  if (value.is_reg() && f_.is_temporary(value.reg)) return push_result(Type::i32, value.reg, Value::kDirty);
  value.type = Type::i32;
  if (f_.in_memory(value)) {
    const int32_t from = f_.slot_of(value);
    const Reg dst = f_.result(Type::i32);
    emit(Inst::kIdMov, gp32(dst), slot(from, 4));
    return push_result(Type::i32, dst);
  }
  const Reg source = f_.in_register(value);
  const Reg dst = f_.result(Type::i32);
  emit(Inst::kIdMov, gp32(dst), gp32(source));
  push_result(Type::i32, dst);
}

void Machine::extend_u(const Row&) {
  Value value = f_.pop();
  if (value.is_constant()) return f_.push_constant(Type::i64, value.bits);
  if (value.is_reg() && f_.is_temporary(value.reg) && f_.aim() == kNoReg) {
    const Reg reg = clean_register(value);
    return push_result(Type::i64, reg);
  }
  const Reg dst = f_.result(Type::i64, {&value});
  f_.move_to(dst, value);
  f_.release(value);
  push_result(Type::i64, dst);
}

}  // namespace wherry::baseline::x64
