// SPDX-License-Identifier: Apache-2.0
// Conversions between integers and floats.
#include <bit>
#include <cmath>

#include "abi/cpu.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;

namespace {

enum : uint8_t { kSigned = 1, kTo64 = 2 };

uint64_t bits_of(Type type, double value) {
  return type == Type::f32 ? std::bit_cast<uint32_t>(static_cast<float>(value)) : std::bit_cast<uint64_t>(value);
}

constexpr double kTwo63 = 9223372036854775808.0;

}  // namespace

void Machine::compare_floats(Type type, x86::Xmm a, const asmjit::Operand_& b) {
  type == Type::f32 ? vector2(Inst::kIdUcomiss, Inst::kIdVucomiss, a, b) : vector2(Inst::kIdUcomisd, Inst::kIdVucomisd, a, b);
}

void Machine::truncate(Type from, x86::Gp to, x86::Xmm value) {
  from == Type::f32 ? vector2(Inst::kIdCvttss2si, Inst::kIdVcvttss2si, to, value)
                    : vector2(Inst::kIdCvttsd2si, Inst::kIdVcvttsd2si, to, value);
}

void Machine::vector2(InstId sse, InstId avx, x86::Gp dst, const asmjit::Operand_& source) {
  emit(has(bit(Cpu::avx)) ? avx : sse, dst, source);
}

void Machine::convert_integer(Type to, x86::Xmm dst, x86::Gp source) {
  const bool is_32 = to == Type::f32;
  if (has(bit(Cpu::avx))) {
    emit(Inst::kIdVxorps, dst, dst, dst);  // breaks the dependence on the old value
    return emit(is_32 ? Inst::kIdVcvtsi2ss : Inst::kIdVcvtsi2sd, dst, dst, source);
  }
  emit(Inst::kIdXorps, dst, dst);
  emit(is_32 ? Inst::kIdCvtsi2ss : Inst::kIdCvtsi2sd, dst, source);
}

void Machine::int_to_float(const Row& row) {
  Value value = f_.pop();
  const Type to = row.bytes == 4 ? Type::f32 : Type::f64;
  const bool is_signed = row.extra & kSigned;
  if (row.type == Type::i64 && !is_signed) return unsigned64_to_float(value, to);
  const Reg reg = is_signed ? f_.in_register(value) : clean_register(value);
  f_.release(value);
  const Reg dst = f_.result(to);
  convert_integer(to, xmm(dst), row.type == Type::i64 || !is_signed ? gp64(reg) : gp32(reg));
  push_result(to, dst);
}

// What does not fit in 63 bits is halved, with its lowest bit kept for rounding.
void Machine::unsigned64_to_float(Value value, Type to) {
  const Reg reg = f_.in_temporary(value);
  const Reg half = f_.allocate(Bank::integer);
  const Reg dst = f_.result(to);
  Label big, done;
  emit(Inst::kIdTest, gp64(reg), gp64(reg));
  a_.branch(kSign, big);
  convert_integer(to, xmm(dst), gp64(reg));
  a_.jump(done);
  a_.place(big);
  emit(Inst::kIdMov, gp64(half), gp64(reg));
  emit(Inst::kIdShr, gp64(half), Imm(1));
  emit(Inst::kIdAnd, gp32(reg), Imm(1));
  emit(Inst::kIdOr, gp64(half), gp64(reg));
  convert_integer(to, xmm(dst), gp64(half));
  to == Type::f32 ? vector3(Inst::kIdAddss, Inst::kIdVaddss, xmm(dst), xmm(dst), xmm(dst))
                  : vector3(Inst::kIdAddsd, Inst::kIdVaddsd, xmm(dst), xmm(dst), xmm(dst));
  a_.place(done);
  f_.release(reg);
  f_.release(half);
  push_result(to, dst);
}

// NaN is an invalid conversion, anything else an overflow.
void Machine::trap_conversion(Type from, x86::Xmm value) {
  compare_floats(from, value, value);
  trap_if(kParity, Trap::invalid_conversion);
  trap_if(kNoParity, Trap::integer_overflow);
}

void Machine::float_to_int(const Row& row) {
  Value value = f_.pop();
  const x86::Xmm x = xmm(f_.in_register(value));
  const Type from = row.type;
  const bool is_64 = row.extra & kTo64;
  const Type to = is_64 ? Type::i64 : Type::i32;
  const Reg dst = f_.result(to);
  Label done;
  if (row.extra & kSigned) {
    // Out of range gives the smallest number, which may also be the answer.
    truncate(from, gp(to, dst), x);
    emit(Inst::kIdCmp, gp(to, dst), Imm(1));
    a_.branch(kNoOverflow, done);
    const bool exact = is_64 || from == Type::f32;  // the type has no number between MIN - 1 and MIN
    const double lowest = is_64 ? -kTwo63 : exact ? -2147483648.0 : -2147483649.0;
    compare_floats(from, x, pool_operand({bits_of(from, lowest), 0}, size_of(from)));
    trap_if(kParity, Trap::invalid_conversion);
    trap_if(exact ? kBelow : kBelowEqual, Trap::integer_overflow);
    load_constant(from, kXmm15, 0);
    compare_floats(from, x, xmm(kXmm15));
    trap_if(kAboveEqual, Trap::integer_overflow);
  } else if (!is_64) {
    truncate(from, gp64(dst), x);
    const Reg high = f_.allocate(Bank::integer);
    emit(Inst::kIdMov, gp64(high), gp64(dst));
    emit(Inst::kIdShr, gp64(high), Imm(32));
    f_.release(high);
    a_.branch(kEqual, done);
    trap_conversion(from, x);
  } else {
    Label big;
    const asmjit::Operand limit = pool_operand({bits_of(from, kTwo63), 0}, size_of(from));
    compare_floats(from, x, limit);
    a_.branch(kAboveEqual, big);
    truncate(from, gp64(dst), x);
    emit(Inst::kIdTest, gp64(dst), gp64(dst));
    a_.branch(kNotSign, done);
    trap_conversion(from, x);
    a_.place(big);
    truncate_above_two63(from, dst, x);
    trap_if(kSign, Trap::integer_overflow);
    emit(Inst::kIdBtc, gp64(dst), Imm(63));
  }
  a_.place(done);
  f_.release(value);
  push_result(to, dst);
}

// x - 2^63 as an integer, with the sign flag set if it is out of range.
void Machine::truncate_above_two63(Type from, Reg dst, x86::Xmm x) {
  const x86::Xmm scratch = xmm(kXmm15);
  copy_vector(scratch, x);
  const asmjit::Operand limit = pool_operand({bits_of(from, kTwo63), 0}, size_of(from));
  from == Type::f32 ? vector3(Inst::kIdSubss, Inst::kIdVsubss, scratch, scratch, limit)
                    : vector3(Inst::kIdSubsd, Inst::kIdVsubsd, scratch, scratch, limit);
  truncate(from, gp64(dst), scratch);
  emit(Inst::kIdTest, gp64(dst), gp64(dst));
}

void Machine::float_to_int_saturating(const Row& row) {
  Value value = f_.pop();
  const x86::Xmm x = xmm(f_.in_register(value));
  const Type from = row.type;
  const bool is_64 = row.extra & kTo64;
  const Type to = is_64 ? Type::i64 : Type::i32;
  const Reg dst = f_.result(to);
  const x86::Xmm scratch = xmm(kXmm15);
  Label done;
  if (row.extra & kSigned) {
    Label nan;
    truncate(from, gp(to, dst), x);
    emit(Inst::kIdCmp, gp(to, dst), Imm(1));
    a_.branch(kNoOverflow, done);
    load_constant(from, kXmm15, 0);
    compare_floats(from, x, scratch);
    a_.branch(kParity, nan);
    a_.branch(kBelow, done);
    emit(Inst::kIdMov, gp(to, dst), Imm(is_64 ? INT64_MAX : INT32_MAX));
    a_.jump(done);
    a_.place(nan);
    emit(Inst::kIdXor, gp32(dst), gp32(dst));
  } else if (!is_64) {
    // As f64, all of u32 is exact: clamp, with NaN becoming 0.
    const x86::Xmm zero = xmm(kXmm14);
    if (from == Type::f32) {
      has(bit(Cpu::avx)) ? emit(Inst::kIdVcvtss2sd, scratch, x, x) : emit(Inst::kIdCvtss2sd, scratch, x);
    } else {
      copy_vector(scratch, x);
    }
    load_constant(Type::f64, kXmm14, 0);
    vector3(Inst::kIdMaxsd, Inst::kIdVmaxsd, scratch, scratch, zero);
    vector3(Inst::kIdMinsd, Inst::kIdVminsd, scratch, scratch, pool_operand({bits_of(Type::f64, 4294967295.0), 0}, 8));
    truncate(Type::f64, gp64(dst), scratch);
  } else {
    Label big;
    const x86::Xmm positive = xmm(kXmm14);
    load_constant(from, kXmm15, 0);
    copy_vector(positive, x);
    from == Type::f32 ? vector3(Inst::kIdMaxss, Inst::kIdVmaxss, positive, positive, scratch)
                      : vector3(Inst::kIdMaxsd, Inst::kIdVmaxsd, positive, positive, scratch);
    compare_floats(from, positive, pool_operand({bits_of(from, kTwo63), 0}, size_of(from)));
    a_.branch(kAboveEqual, big);
    truncate(from, gp64(dst), positive);
    a_.jump(done);
    a_.place(big);
    truncate_above_two63(from, dst, positive);
    Label fits;
    a_.branch(kNotSign, fits);
    emit(Inst::kIdMov, gp64(dst), Imm(-1));
    a_.jump(done);
    a_.place(fits);
    emit(Inst::kIdBtc, gp64(dst), Imm(63));
  }
  a_.place(done);
  f_.release(value);
  push_result(to, dst);
}

void Machine::float_to_float(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const Type to = row.bytes == 4 ? Type::f32 : Type::f64;
  const Reg dst = vector_result(value, value);
  has(bit(Cpu::avx)) ? emit(row.avx, xmm(dst), xmm(from), xmm(from)) : emit(row.inst, xmm(dst), xmm(from));
  release_but(value, dst);
  push_result(to, dst);
}

// extra: the operand's type.
void Machine::reinterpret(const Row& row) {
  Value value = f_.pop();
  if (value.is_constant()) return f_.push_constant(row.type, value.bits);
  if (f_.in_memory(value)) {
    const int32_t from = f_.slot_of(value);
    const Reg dst = f_.result(row.type);
    load_slot(row.type, dst, from);
    return push_result(row.type, dst);
  }
  const Reg from = f_.in_register(value);
  const Reg dst = f_.result(row.type);
  const InstId id = has(bit(Cpu::avx)) ? row.avx : row.inst;
  if (bank_of(row.type) == Bank::integer) {
    emit(id, gp(row.type, dst), xmm(from));
  } else {
    emit(id, xmm(dst), gp(static_cast<Type>(row.extra), from));
  }
  f_.release(value);
  push_result(row.type, dst);
}

}  // namespace wherry::baseline::x64
