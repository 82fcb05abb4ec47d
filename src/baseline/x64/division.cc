// SPDX-License-Identifier: Apache-2.0
// Division: by a constant without dividing, by a variable with Wasm's traps.
#include <bit>

#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using asmjit::Imm;

namespace {

enum : uint8_t { kSigned = 1, kRemainder = 2 };

uint64_t masked(Type type, uint64_t bits) { return type == Type::i32 ? bits & 0xffff'ffff : bits; }

bool is_power_of_two(uint64_t n) { return n && !(n & (n - 1)); }

// n / d = n * factor >> 32 + shift, for 0 <= n < 2^31 and 2 <= d < 2^31; and one
// more for a negative n, with the shift rounding down.
struct SignedMagic {
  uint64_t factor;
  int shift;
};
SignedMagic signed_magic(uint32_t d) {
  const int shift = 31 - std::countl_zero(d);  // 2^shift <= d
  return {((uint64_t{1} << (32 + shift)) / d) + 1, shift};
}

// Of 64 bits there is no wider product, so a factor can lack its 65th bit (`add`),
// which is made up for by adding n once more. As in "Division by invariant
// integers using multiplication" (Granlund, Montgomery); d is no power of two.
struct Magic64 {
  uint64_t factor;
  int shift;
  bool add;
};
// 2^exponent / d rounded up, if that has 64 bits and is exact enough, else with a bit more.
Magic64 magic64(uint64_t d, int exponent, int shift) {
  __extension__ using Wide = unsigned __int128;
  const Wide power = Wide{1} << exponent;
  const auto quotient = static_cast<uint64_t>(power / d), rest = static_cast<uint64_t>(power % d);
  if (d - rest < uint64_t{1} << shift) return {quotient + 1, shift, false};
  const bool carry = rest >= d - rest;  // of the bit more
  return {2 * quotient + carry + 1, shift, true};
}
Magic64 unsigned_magic64(uint64_t d) {
  const int shift = 63 - std::countl_zero(d);
  return magic64(d, 64 + shift, shift);
}
// With `add`, the factor as a signed number is 2^64 too small. Without, the
// quotient is shifted by one bit less.
Magic64 signed_magic64(uint64_t d) {
  const int shift = 63 - std::countl_zero(d);
  Magic64 magic = magic64(d, 63 + shift, shift);
  if (!magic.add) --magic.shift;
  return magic;
}

}  // namespace

// x / n and x % n for constants. Returns false if dividing is as good.
bool Machine::divide_by_constant(const Row& row) {
  const uint64_t n = masked(row.type, f_.top().bits);
  const bool remainder = row.extra & kRemainder;
  if (row.extra & kSigned) {
    if (n < 2 || n > static_cast<uint64_t>(row.type == Type::i32 ? INT32_MAX : INT64_MAX)) return false;
    row.type == Type::i32 ? divide_signed(static_cast<uint32_t>(n), remainder) : divide_signed64(n, remainder);
    return true;
  }
  if (is_power_of_two(n)) {
    f_.top().bits = remainder ? n - 1 : static_cast<uint64_t>(std::countr_zero(n));
    if (remainder) {
      alu({&Machine::alu, row.type, Inst::kIdAnd});
    } else {
      shift({&Machine::shift, row.type, Inst::kIdShr, Inst::kIdShrx});
    }
    return true;
  }
  if (n == 0) return false;
  row.type == Type::i32 ? divide_unsigned(static_cast<uint32_t>(n), remainder) : divide_unsigned64(n, remainder);
  return true;
}

// x - quotient * n, of x's type.
void Machine::remainder_of(Value x, Reg quotient, uint64_t n) {
  const Type type = x.type;
  const auto immediate = static_cast<int32_t>(n);
  if (is_power_of_two(n)) {
    emit(Inst::kIdShl, gp(type, quotient), Imm(std::countr_zero(n)));
  } else if (type == Type::i32 || static_cast<uint64_t>(immediate) == n) {
    emit(Inst::kIdImul, gp(type, quotient), gp(type, quotient), Imm(immediate));
  } else {
    const Reg factor = f_.allocate(Bank::integer);
    load_constant(Type::i64, factor, n);
    emit(Inst::kIdImul, gp64(quotient), gp64(factor));
    f_.release(factor);
  }
  const Reg reg = f_.in_temporary(x);
  emit(Inst::kIdSub, gp(type, reg), gp(type, quotient));
  f_.release(quotient);
  push_result(type, reg);
}

// Takes rax and rdx; x, in a register, is in another one then.
Value Machine::take_division_registers(Value x) {
  if (const Reg reg = f_.in_register(x); reg == kRax || reg == kRdx) {
    const Reg other = f_.allocate_of(integer_temporaries_but_division());
    emit(Inst::kIdMov, gp(x.type, other), gp(x.type, reg));
    f_.release(x);
    x = Value::in(x.type, other);
  }
  f_.take(kRax);
  f_.take(kRdx);
  return x;
}

void Machine::divide_unsigned(uint32_t n, bool remainder) {
  f_.pop();
  Value x = f_.pop();
  clean_register(x);
  x = take_division_registers(x);
  // With 64 bits of 1/n, rounded up, the upper half of the product is exact for
  // every 32-bit x.
  const uint64_t inverse = ~uint64_t{0} / n + 1;
  load_constant(Type::i64, kRax, inverse);
  emit(Inst::kIdMul, gp64(kRdx), gp64(kRax), gp64(f_.in_register(x)));
  f_.release(kRax);
  if (remainder) return remainder_of(x, kRdx, n);
  f_.release(x);
  push_result(Type::i32, kRdx);
}

void Machine::divide_unsigned64(uint64_t n, bool remainder) {
  f_.pop();
  const Value x = take_division_registers(f_.pop());
  const Magic64 magic = unsigned_magic64(n);
  Value source = x;
  const Reg reg = f_.in_register(source);
  load_constant(Type::i64, kRax, magic.factor);
  emit(Inst::kIdMul, gp64(kRdx), gp64(kRax), gp64(reg));
  if (magic.add) {  // (x + upper half) / 2 without the carry
    emit(Inst::kIdMov, gp64(kRax), gp64(reg));
    emit(Inst::kIdSub, gp64(kRax), gp64(kRdx));
    emit(Inst::kIdShr, gp64(kRax), Imm(1));
    emit(Inst::kIdAdd, gp64(kRdx), gp64(kRax));
  }
  emit(Inst::kIdShr, gp64(kRdx), Imm(magic.shift));
  f_.release(kRax);
  if (remainder) return remainder_of(x, kRdx, n);
  f_.release(x);
  push_result(Type::i64, kRdx);
}

void Machine::divide_signed64(uint64_t n, bool remainder) {
  f_.pop();
  const Value x = take_division_registers(f_.pop());
  Value source = x;
  const Reg reg = f_.in_register(source);
  if (is_power_of_two(n)) {
    // Rounds towards zero: n - 1 is added to what is negative.
    const int bits = std::countr_zero(n);
    emit(Inst::kIdMov, gp64(kRdx), gp64(reg));
    emit(Inst::kIdSar, gp64(kRdx), Imm(63));
    emit(Inst::kIdShr, gp64(kRdx), Imm(64 - bits));
    emit(Inst::kIdAdd, gp64(kRdx), gp64(reg));
    emit(Inst::kIdSar, gp64(kRdx), Imm(bits));
  } else {
    const Magic64 magic = signed_magic64(n);
    load_constant(Type::i64, kRax, magic.factor);
    emit(Inst::kIdImul, gp64(kRdx), gp64(kRax), gp64(reg));
    if (magic.add) emit(Inst::kIdAdd, gp64(kRdx), gp64(reg));
    emit(Inst::kIdSar, gp64(kRdx), Imm(magic.shift));
    emit(Inst::kIdMov, gp64(kRax), gp64(reg));
    emit(Inst::kIdShr, gp64(kRax), Imm(63));
    emit(Inst::kIdAdd, gp64(kRdx), gp64(kRax));
  }
  f_.release(kRax);
  if (remainder) return remainder_of(x, kRdx, n);
  f_.release(x);
  push_result(Type::i64, kRdx);
}

void Machine::divide_signed(uint32_t n, bool remainder) {
  f_.pop();
  Value x = f_.pop();
  const Reg reg = f_.in_register(x);
  const Reg quotient = f_.allocate(Bank::integer);
  if (is_power_of_two(n)) {
    // Rounds towards zero: n - 1 is added to what is negative.
    const int bits = std::countr_zero(n);
    emit(Inst::kIdMov, gp32(quotient), gp32(reg));
    emit(Inst::kIdSar, gp32(quotient), Imm(31));
    emit(Inst::kIdShr, gp32(quotient), Imm(32 - bits));
    emit(Inst::kIdAdd, gp32(quotient), gp32(reg));
    emit(Inst::kIdSar, gp32(quotient), Imm(bits));
  } else {
    const SignedMagic magic = signed_magic(n);
    const Reg factor = f_.allocate(Bank::integer);
    emit(Inst::kIdMovsxd, gp64(quotient), gp32(reg));
    load_constant(Type::i64, factor, magic.factor);
    emit(Inst::kIdImul, gp64(quotient), gp64(factor));
    emit(Inst::kIdSar, gp64(quotient), Imm(32 + magic.shift));
    emit(Inst::kIdMov, gp32(factor), gp32(reg));
    emit(Inst::kIdShr, gp32(factor), Imm(31));
    emit(Inst::kIdAdd, gp32(quotient), gp32(factor));
    f_.release(factor);
  }
  if (remainder) return remainder_of(x, quotient, n);
  f_.release(x);
  push_result(Type::i32, quotient);
}

RegSet Machine::integer_temporaries_but_division() const {
  RegSet set = registers().temporaries & RegSet::all(Bank::integer);
  set.remove(kRax);
  set.remove(kRdx);
  return set;
}

void Machine::divide(const Row& row) {
  const bool is_signed = row.extra & kSigned, remainder = row.extra & kRemainder;
  if (f_.top().is_constant() && divide_by_constant(row)) return;
  Value divisor = f_.pop(), dividend = f_.pop();
  const bool known = divisor.is_constant();
  const int64_t n = row.type == Type::i32 ? divisor.i32() : static_cast<int64_t>(divisor.bits);

  // The dividend to rax, the divisor anywhere but rax and rdx.
  if (divisor.is_constant() || f_.in_memory(divisor) || (divisor.is_reg() && (divisor.reg == kRax || divisor.reg == kRdx))) {
    RegSet others = integer_temporaries_but_division();
    if (dividend.is_reg()) others.remove(dividend.reg);
    const Reg reg = f_.allocate_of(others);
    f_.move_to(reg, divisor);
    f_.release(divisor);
    divisor = Value::in(row.type, reg);
  }
  const Reg by = f_.in_register(divisor);
  if (!(dividend.is_reg() && dividend.reg == kRax)) {
    f_.take(kRax);
    f_.move_to(kRax, dividend);
    f_.release(dividend);
  }
  f_.take(kRdx);
  if (!known || n == 0) {
    emit(Inst::kIdTest, gp(row.type, by), gp(row.type, by));
    trap_if(kEqual, Trap::integer_divide_by_zero);
  }
  Label done, divide;
  if (is_signed && (!known || n == -1)) {
    // MIN / -1 overflows, and the processor faults on MIN % -1, which is 0.
    emit(Inst::kIdCmp, gp(row.type, by), Imm(-1));
    a_.branch(kNotEqual, divide);
    if (remainder) {
      emit(Inst::kIdXor, gp32(kRdx), gp32(kRdx));
      a_.jump(done);
    } else {
      emit(Inst::kIdNeg, gp(row.type, kRax));
      trap_if(kOverflow, Trap::integer_overflow);
      a_.jump(done);
    }
    a_.place(divide);
  }
  if (is_signed) {
    row.type == Type::i32 ? emit(Inst::kIdCdq, x86::edx, x86::eax) : emit(Inst::kIdCqo, x86::rdx, x86::rax);
    emit(Inst::kIdIdiv, gp(row.type, kRdx), gp(row.type, kRax), gp(row.type, by));
  } else {
    emit(Inst::kIdXor, gp32(kRdx), gp32(kRdx));
    emit(Inst::kIdDiv, gp(row.type, kRdx), gp(row.type, kRax), gp(row.type, by));
  }
  a_.place(done);
  f_.release(divisor);
  f_.release(remainder ? kRax : kRdx);
  push_result(row.type, remainder ? kRdx : kRax);
}

}  // namespace wherry::baseline::x64
