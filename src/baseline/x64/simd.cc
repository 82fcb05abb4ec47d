// SPDX-License-Identifier: Apache-2.0
// Vector arithmetic, comparisons and shifts. xmm14 and xmm15 hold what lies between;
// the result's register is written last, so it may be an operand's.
#include "abi/cpu.h"
#include "baseline/x64/machine.h"
#include "baseline/x64/vector_names.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;

namespace {

const x86::Xmm kS = x86::xmm15, kT = x86::xmm14;

Constant128 repeat8(uint8_t n) { return {0x0101'0101'0101'0101u * n, 0x0101'0101'0101'0101u * n}; }
Constant128 repeat16(uint16_t n) { return {0x0001'0001'0001'0001u * n, 0x0001'0001'0001'0001u * n}; }
Constant128 repeat64(uint64_t n) { return {n, n}; }

}  // namespace

void Machine::load_pool(x86::Xmm to, const Constant128& bits) { vector2(F(Movaps, movaps), to, pool_operand(bits, 16)); }

void Machine::all_ones(x86::Xmm to) { vector3(P(cmpeqd), to, to, to); }
void Machine::all_zero(x86::Xmm to) { vector3(P(xor), to, to, to); }

// Pushes what is left in xmm15, or right op'd with it.
void Machine::push_scratch(Type type) {
  const Reg dst = f_.result(type);
  copy_vector(xmm(dst), kS);
  push_result(type, dst);
}

void Machine::pop_two(Value& left, Value& right, x86::Xmm& a, x86::Xmm& b) {
  right = f_.pop();
  left = f_.pop();
  a = xmm(f_.in_register(left));
  b = xmm(f_.in_register(right));
}

// extra: kSwap, kInvert.
void Machine::simd_binary(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  if (row.extra & kSwap) std::swap(left, right);
  vector_binary(row, left, right);
  if (row.extra & kInvert) invert_top();
}

void Machine::invert_top() {
  const Value value = f_.pop();
  all_ones(kS);
  vector3(P(xor), xmm(value.reg), xmm(value.reg), kS);
  push_result(Type::v128, value.reg);
}

// le_u is min(a, b) == a and ge_u max(a, b) == a. inst, avx: min or max; bytes: of a lane.
void Machine::simd_compare_unsigned(const Row& row) {
  Value left, right;
  x86::Xmm a, b;
  pop_two(left, right, a, b);
  vector3(row.inst, row.avx, kS, a, b);
  row.bytes == 1   ? vector3(P(cmpeqb), kS, kS, a)
  : row.bytes == 2 ? vector3(P(cmpeqw), kS, kS, a)
                   : vector3(P(cmpeqd), kS, kS, a);
  if (row.extra & kInvert) {
    all_ones(kT);
    vector3(P(xor), kS, kS, kT);
  }
  f_.release(left);
  f_.release(right);
  push_scratch();
}

void Machine::simd_compare_signed64(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  if (row.extra & kSwap) std::swap(left, right);
  const x86::Xmm a = xmm(f_.in_register(left)), b = xmm(f_.in_register(right));
  if (has(bit(Cpu::sse4_2))) {
    vector3(P(cmpgtq), kS, a, b);
  } else {
    // The upper halves decide unless they are equal; then the difference's sign does.
    vector3(P(subq), kS, b, a);
    vector3(P(cmpeqd), kT, a, b);
    vector3(P(and), kS, kS, kT);
    vector3(P(cmpgtd), kT, a, b);
    vector3(P(or), kS, kS, kT);
    emit(Inst::kIdPshufd, kS, kS, Imm(0xf5));
  }
  if (row.extra & kInvert) {
    all_ones(kT);
    vector3(P(xor), kS, kS, kT);
  }
  f_.release(left);
  f_.release(right);
  push_scratch();
}

// bytes: the predicate; extra: kSwap. type: f32 or f64.
void Machine::simd_compare_float(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  if (row.extra & kSwap) std::swap(left, right);
  const x86::Xmm a = xmm(f_.in_register(left)), b = xmm(f_.in_register(right));
  compare_lanes(row.type, row.bytes, kS, a, b);
  f_.release(left);
  f_.release(right);
  push_scratch();
}

void Machine::compare_lanes(Type type, int predicate, x86::Xmm dst, x86::Xmm a, x86::Xmm b) {
  if (has(bit(Cpu::avx))) {
    type == Type::f32 ? a_.vcmpps(dst, a, b, Imm(predicate)) : a_.vcmppd(dst, a, b, Imm(predicate));
    return;
  }
  copy_vector(dst, a);
  emit(type == Type::f32 ? Inst::kIdCmpps : Inst::kIdCmppd, dst, b, Imm(predicate));
}

void Machine::simd_unary(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const Reg dst = vector_result(value, value);
  vector2(row.inst, row.avx, xmm(dst), xmm(from));
  release_but(value, dst);
  push_result(Type::v128, dst);
}

void Machine::simd_round(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const Reg dst = vector_result(value, value);
  emit(has(bit(Cpu::avx)) ? row.avx : row.inst, xmm(dst), xmm(from), Imm(row.extra));
  release_but(value, dst);
  push_result(Type::v128, dst);
}

void Machine::simd_not(const Row&) {
  Value value = f_.pop();
  f_.in_temporary(value);
  f_.push(value);
  invert_top();
}

// inst, avx: the subtraction from zero.
void Machine::simd_neg(const Row& row) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  all_zero(kS);
  vector3(row.inst, row.avx, kS, kS, a);
  f_.release(value);
  push_scratch();
}

// extra: neg; type f32 or f64.
void Machine::simd_float_sign(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const Reg dst = vector_result(value, value);
  const uint64_t sign = row.type == Type::f32 ? 0x8000'0000'8000'0000 : 0x8000'0000'0000'0000;
  // Without AVX the copy comes first, so that it does not take the constant's reference.
  const bool avx = has(bit(Cpu::avx));
  if (!avx) copy_vector(xmm(dst), xmm(from));
  const x86::Xmm left = xmm(avx ? from : dst);
  row.extra ? vector3(F(Xorps, xorps), xmm(dst), left, pool_operand(repeat64(sign), 16))
            : vector3(F(Andps, andps), xmm(dst), left, pool_operand(repeat64(~sign), 16));
  release_but(value, dst);
  push_result(Type::v128, dst);
}

void Machine::simd_abs64(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  vector_shift(P(srad), kT, a, 31);
  emit(Inst::kIdPshufd, kT, kT, Imm(0xf5));
  vector3(P(xor), kS, a, kT);
  vector3(P(subq), kS, kS, kT);
  f_.release(value);
  push_scratch();
}

void Machine::simd_mul64(const Row&) {
  Value left, right;
  x86::Xmm a, b;
  pop_two(left, right, a, b);
  vector_shift(P(srlq), kS, a, 32);
  vector3(P(muludq), kS, kS, b);
  vector_shift(P(srlq), kT, b, 32);
  vector3(P(muludq), kT, kT, a);
  vector3(P(addq), kT, kT, kS);
  vector_shift(P(sllq), kT, kT, 32);
  vector3(P(muludq), kS, a, b);
  vector3(P(addq), kS, kS, kT);
  f_.release(left);
  f_.release(right);
  push_scratch();
}

void Machine::simd_q15mulr(const Row&) {
  Value left, right;
  x86::Xmm a, b;
  pop_two(left, right, a, b);
  vector3(P(mulhrsw), kS, a, b);
  load_pool(kT, repeat16(0x8000));
  vector3(P(cmpeqw), kT, kT, kS);
  vector3(P(xor), kS, kS, kT);
  f_.release(left);
  f_.release(right);
  push_scratch();
}

void Machine::simd_bitselect(const Row&) {
  Value mask = f_.pop(), no = f_.pop(), yes = f_.pop();
  const x86::Xmm m = xmm(f_.in_register(mask)), y = xmm(f_.in_register(yes)), n = xmm(f_.in_register(no));
  vector3(P(and), kS, y, m);
  vector3(P(andn), kT, m, n);
  vector3(P(or), kS, kS, kT);
  f_.release(mask);
  f_.release(no);
  f_.release(yes);
  push_scratch();
}

void Machine::simd_popcnt(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  const Reg low = f_.allocate(Bank::vector);
  constexpr Constant128 kBits = {0x0302'0201'0201'0100, 0x0403'0302'0302'0201};
  vector_shift(P(srlw), kT, a, 4);
  load_pool(kS, repeat8(0x0f));
  vector3(P(and), kT, kT, kS);
  vector3(P(and), kS, kS, a);
  load_pool(xmm(low), kBits);
  vector3(P(shufb), xmm(low), xmm(low), kS);
  load_pool(kS, kBits);
  vector3(P(shufb), kS, kS, kT);
  vector3(P(addb), kS, kS, xmm(low));
  f_.release(low);
  f_.release(value);
  push_scratch();
}

void Machine::simd_any_true(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  vector2(P(test), a, a);
  f_.release(value);
  push_condition(kNotEqual);
}

// inst, avx: the comparison of a lane with zero.
void Machine::simd_all_true(const Row& row) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  all_zero(kS);
  vector3(row.inst, row.avx, kS, kS, a);
  vector2(P(test), kS, kS);
  f_.release(value);
  push_condition(kEqual);
}

// bytes: of a lane.
void Machine::simd_bitmask(const Row& row) {
  Value value = f_.pop();
  x86::Xmm a = xmm(f_.in_register(value));
  const Reg dst = f_.result(Type::i32);
  if (row.bytes == 2) {
    vector3(P(acksswb), kS, a, a);
    a = kS;
  }
  const x86::Gp to = gp32(dst);
  row.bytes == 4 ? vector2(F(Movmskps, movmskps), to, a) : row.bytes == 8 ? vector2(F(Movmskpd, movmskpd), to, a) : vector2(P(movmskb), to, a);
  if (row.bytes == 2) emit(Inst::kIdMovzx, to, x86::gpb(dst));
  f_.release(value);
  push_result(Type::i32, dst);
}

// The count, modulo the lane's width, into xmm15.
void Machine::shift_count(Value& count, uint32_t mask, int32_t more) {
  const Reg reg = f_.in_temporary(count);
  emit(Inst::kIdAnd, gp32(reg), Imm(mask));
  if (more) emit(Inst::kIdAdd, gp32(reg), Imm(more));
  emit(has(bit(Cpu::avx)) ? Inst::kIdVmovd : Inst::kIdMovd, kS, gp32(reg));
}

// bytes: of a lane, 2 to 8.
void Machine::simd_shift(const Row& row) {
  Value count = f_.pop(), value = f_.pop();
  const uint32_t mask = 8u * row.bytes - 1;
  const Reg from = f_.in_register(value);
  if (count.is_constant()) {
    const Reg dst = vector_result(value, value);
    vector_shift(row.inst, row.avx, xmm(dst), xmm(from), static_cast<int>(count.bits & mask));
    release_but(value, dst);
    return push_result(Type::v128, dst);
  }
  shift_count(count, mask, 0);
  const Reg dst = vector_result(value, value);
  vector3(row.inst, row.avx, xmm(dst), xmm(from), kS);
  release_but(value, dst);
  f_.release(count);
  push_result(Type::v128, dst);
}

// extra: 0 shl, 1 shr_u. Shifts words, and clears what came from the other byte.
void Machine::simd_shift8(const Row& row) {
  Value count = f_.pop(), value = f_.pop();
  shift_count(count, 7, 0);
  const Reg from = f_.in_register(value);
  all_ones(kT);
  if (row.extra) {
    vector3(P(srlw), kT, kT, kS);
    vector_shift(P(srlw), kT, kT, 8);
  } else {
    vector3(P(sllw), kT, kT, kS);
  }
  const Reg dst = vector_result(value, value);
  row.extra ? vector3(P(srlw), xmm(dst), xmm(from), kS) : vector3(P(sllw), xmm(dst), xmm(from), kS);
  all_zero(kS);
  vector3(P(shufb), kT, kT, kS);
  vector3(P(and), xmm(dst), xmm(dst), kT);
  release_but(value, dst);
  f_.release(count);
  push_result(Type::v128, dst);
}

// As words, each byte twice, so that the upper one shifts in its own sign.
void Machine::simd_shift8_signed(const Row&) {
  Value count = f_.pop(), value = f_.pop();
  shift_count(count, 7, 8);
  const x86::Xmm a = xmm(f_.in_temporary(value));
  vector3(P(unpckhbw), kT, a, a);
  vector3(P(unpcklbw), a, a, a);
  vector3(P(sraw), kT, kT, kS);
  vector3(P(sraw), a, a, kS);
  vector3(P(acksswb), a, a, kT);
  f_.release(count);
  push_result(Type::v128, value.reg);
}

void Machine::simd_shift64_signed(const Row&) {
  Value count = f_.pop(), value = f_.pop();
  shift_count(count, 63, 0);
  const x86::Xmm a = xmm(f_.in_temporary(value));
  load_pool(kT, repeat64(uint64_t{1} << 63));
  vector3(P(srlq), kT, kT, kS);
  vector3(P(srlq), a, a, kS);
  vector3(P(xor), a, a, kT);
  vector3(P(subq), a, a, kT);
  f_.release(count);
  push_result(Type::v128, value.reg);
}

// extra: max. The processor's own differ for NaN and for zeros of both signs.
void Machine::simd_float_min_max(const Row& row) {
  Value left, right;
  x86::Xmm a, b;
  pop_two(left, right, a, b);
  const bool is_32 = row.type == Type::f32;
  vector3(row.inst, row.avx, kS, a, b);
  vector3(row.inst, row.avx, kT, b, a);
  if (row.extra) {
    vector3(F(Xorps, xorps), kT, kT, kS);
    vector3(F(Orps, orps), kS, kS, kT);
    is_32 ? vector3(F(Subps, subps), kS, kS, kT) : vector3(F(Subpd, subpd), kS, kS, kT);
    compare_lanes(row.type, kUnordered, kT, kT, kS);
  } else {
    vector3(F(Orps, orps), kS, kS, kT);
    compare_lanes(row.type, kUnordered, kT, kT, kS);
    vector3(F(Orps, orps), kS, kS, kT);
  }
  is_32 ? vector_shift(P(srld), kT, kT, 10) : vector_shift(P(srlq), kT, kT, 13);
  vector3(F(Andnps, andnps), kT, kT, kS);
  f_.release(left);
  f_.release(right);
  const Reg dst = f_.result(Type::v128);
  copy_vector(xmm(dst), kT);
  push_result(Type::v128, dst);
}

}  // namespace wherry::baseline::x64
