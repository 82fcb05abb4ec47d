// SPDX-License-Identifier: Apache-2.0
// Vector conversions and widening arithmetic.
#include <bit>

#include "abi/cpu.h"
#include "baseline/x64/machine.h"
#include "baseline/x64/vector_names.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;

namespace {

const x86::Xmm kS = x86::xmm15, kT = x86::xmm14;

Constant128 both(double n) { return {std::bit_cast<uint64_t>(n), std::bit_cast<uint64_t>(n)}; }

}  // namespace

void Machine::shuffle_dwords(x86::Xmm dst, x86::Xmm from, int imm) {
  emit(has(bit(Cpu::avx)) ? Inst::kIdVpshufd : Inst::kIdPshufd, dst, from, Imm(imm));
}

// inst, avx: pmovsx or pmovzx; extra: of the upper half.
void Machine::widen(const Row& row, x86::Xmm dst, x86::Xmm from) {
  if (!row.extra) return vector2(row.inst, row.avx, dst, from);
  shuffle_dwords(dst, from, 0xee);
  vector2(row.inst, row.avx, dst, dst);
}

void Machine::simd_extend(const Row& row) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  const Reg dst = vector_result(value, value);
  widen(row, xmm(dst), a);
  release_but(value, dst);
  push_result(Type::v128, dst);
}

// bytes: of a result's lane.
void Machine::simd_extmul(const Row& row) {
  Value left, right;
  x86::Xmm a, b;
  pop_two(left, right, a, b);
  if (row.bytes == 8) {
    const int halves = row.extra ? 0xfa : 0x50;
    shuffle_dwords(kS, a, halves);
    shuffle_dwords(kT, b, halves);
    vector3(row.inst, row.avx, kS, kS, kT);
  } else {
    widen(row, kS, a);
    widen(row, kT, b);
    row.bytes == 2 ? vector3(P(mullw), kS, kS, kT) : vector3(P(mulld), kS, kS, kT);
  }
  f_.release(left);
  f_.release(right);
  push_scratch();
}

// bytes: of a result's lane; extra: signed.
void Machine::simd_extadd(const Row& row) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  if (row.bytes == 2) {
    load_pool(kT, {0x0101'0101'0101'0101, 0x0101'0101'0101'0101});
    row.extra ? vector3(P(maddubsw), kS, kT, a) : vector3(P(maddubsw), kS, a, kT);
  } else if (row.extra) {
    load_pool(kT, {0x0001'0001'0001'0001, 0x0001'0001'0001'0001});
    vector3(P(maddwd), kS, a, kT);
  } else {
    vector_shift(P(srld), kT, a, 16);
    vector_shift(P(slld), kS, a, 16);
    vector_shift(P(srld), kS, kS, 16);
    vector3(P(addd), kS, kS, kT);
  }
  f_.release(value);
  push_scratch();
}

void Machine::f32x4_convert_u(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  // In two exact parts, so that only the last addition rounds.
  vector_shift(P(slld), kS, a, 16);
  vector_shift(P(srld), kS, kS, 16);
  vector3(P(subd), kT, a, kS);
  vector2(F(Cvtdq2ps, cvtdq2ps), kS, kS);
  vector_shift(P(srld), kT, kT, 1);
  vector2(F(Cvtdq2ps, cvtdq2ps), kT, kT);
  vector3(F(Addps, addps), kT, kT, kT);
  vector3(F(Addps, addps), kS, kS, kT);
  f_.release(value);
  push_scratch();
}

void Machine::f64x2_convert_low_u(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  // As the lower half of 2^52 + n.
  load_pool(kT, {0x4330'0000'4330'0000, 0x4330'0000'4330'0000});
  vector3(F(Unpcklps, unpcklps), kS, a, kT);
  load_pool(kT, both(0x1p52));
  vector3(F(Subpd, subpd), kS, kS, kT);
  f_.release(value);
  push_scratch();
}

void Machine::trunc_sat_f32x4_s(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  compare_lanes(Type::f32, 0, kT, a, a);
  vector3(F(Andps, andps), kS, a, kT);  // NaN is 0 now
  vector3(P(xor), kT, kT, kS);
  vector2(F(Cvttps2dq, cvttps2dq), kS, kS);
  // A positive number that became MIN is turned into MAX.
  vector3(P(and), kT, kT, kS);
  vector_shift(P(srad), kT, kT, 31);
  vector3(P(xor), kS, kS, kT);
  f_.release(value);
  push_scratch();
}

void Machine::trunc_sat_f32x4_u(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_temporary(value));
  all_zero(kS);
  vector3(F(Maxps, maxps), a, a, kS);  // NaN and negative are 0 now
  // What lies above 2^31 is converted apart, and clamped.
  all_ones(kS);
  vector_shift(P(srld), kS, kS, 1);
  vector2(F(Cvtdq2ps, cvtdq2ps), kS, kS);
  vector3(F(Subps, subps), kT, a, kS);
  compare_lanes(Type::f32, 2, kS, kS, kT);
  vector2(F(Cvttps2dq, cvttps2dq), kT, kT);
  vector3(P(xor), kT, kT, kS);
  all_zero(kS);
  vector3(P(maxsd), kT, kT, kS);
  vector2(F(Cvttps2dq, cvttps2dq), a, a);
  vector3(P(addd), a, a, kT);
  push_result(Type::v128, value.reg);
}

void Machine::trunc_sat_f64x2_s(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_register(value));
  compare_lanes(Type::f64, 0, kS, a, a);
  load_pool(kT, both(2147483647.0));
  vector3(F(Andps, andps), kS, kS, kT);
  vector3(F(Minpd, minpd), kT, a, kS);
  vector2(F(Cvttpd2dq, cvttpd2dq), kS, kT);
  f_.release(value);
  push_scratch();
}

void Machine::trunc_sat_f64x2_u(const Row&) {
  Value value = f_.pop();
  const x86::Xmm a = xmm(f_.in_temporary(value));
  all_zero(kS);
  vector3(F(Maxpd, maxpd), a, a, kS);
  load_pool(kT, both(4294967295.0));
  vector3(F(Minpd, minpd), a, a, kT);
  emit(has(bit(Cpu::avx)) ? Inst::kIdVroundpd : Inst::kIdRoundpd, a, a, Imm(11));
  // The lower half of 2^52 + n is n.
  load_pool(kT, both(0x1p52));
  vector3(F(Addpd, addpd), a, a, kT);
  has(bit(Cpu::avx)) ? emit4(Inst::kIdVshufps, a, a, kS, 0x88) : emit(Inst::kIdShufps, a, kS, Imm(0x88));
  push_result(Type::v128, value.reg);
}

}  // namespace wherry::baseline::x64
