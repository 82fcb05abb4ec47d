// SPDX-License-Identifier: Apache-2.0
// What each vector instruction is compiled by.
#include "baseline/x64/rows.h"
#include "baseline/x64/vector_names.h"

namespace wherry::baseline::x64 {

using wasm::Opcode;

namespace {

constexpr Type v = Type::v128, f = Type::f32, d = Type::f64, i = Type::i32, l = Type::i64;

}  // namespace

void Machine::Rows::vectors() {
  vector_arithmetic();
  vector_comparisons();
  vector_lanes();
  vector_memory();
  vector_conversions();
}

#define BINARY(op, ids) set(Opcode::op, {&Machine::simd_binary, v, ids})
#define UNARY(op, ids) set(Opcode::op, {&Machine::simd_unary, v, ids})
#define SHIFT(op, ids, bytes) set(Opcode::op, {&Machine::simd_shift, v, ids, bytes})
#define FLOAT(op, handler, ps, pd, ...)                            \
  set(Opcode::f32x4_##op, {handler, f, ps, 0, __VA_ARGS__});       \
  set(Opcode::f64x2_##op, {handler, d, pd, 0, __VA_ARGS__})

void Machine::Rows::vector_arithmetic() {
  using M = Machine;
  BINARY(i8x16_add, P(addb));
  BINARY(i16x8_add, P(addw));
  BINARY(i32x4_add, P(addd));
  BINARY(i64x2_add, P(addq));
  BINARY(i8x16_sub, P(subb));
  BINARY(i16x8_sub, P(subw));
  BINARY(i32x4_sub, P(subd));
  BINARY(i64x2_sub, P(subq));
  BINARY(i8x16_add_sat_s, P(addsb));
  BINARY(i8x16_add_sat_u, P(addusb));
  BINARY(i16x8_add_sat_s, P(addsw));
  BINARY(i16x8_add_sat_u, P(addusw));
  BINARY(i8x16_sub_sat_s, P(subsb));
  BINARY(i8x16_sub_sat_u, P(subusb));
  BINARY(i16x8_sub_sat_s, P(subsw));
  BINARY(i16x8_sub_sat_u, P(subusw));
  BINARY(i16x8_mul, P(mullw));
  BINARY(i32x4_mul, P(mulld));
  BINARY(i8x16_min_s, P(minsb));
  BINARY(i8x16_min_u, P(minub));
  BINARY(i8x16_max_s, P(maxsb));
  BINARY(i8x16_max_u, P(maxub));
  BINARY(i16x8_min_s, P(minsw));
  BINARY(i16x8_min_u, P(minuw));
  BINARY(i16x8_max_s, P(maxsw));
  BINARY(i16x8_max_u, P(maxuw));
  BINARY(i32x4_min_s, P(minsd));
  BINARY(i32x4_min_u, P(minud));
  BINARY(i32x4_max_s, P(maxsd));
  BINARY(i32x4_max_u, P(maxud));
  BINARY(i8x16_avgr_u, P(avgb));
  BINARY(i16x8_avgr_u, P(avgw));
  BINARY(i32x4_dot_i16x8_s, P(maddwd));
  BINARY(v128_and, P(and));
  BINARY(v128_or, P(or));
  BINARY(v128_xor, P(xor));
  set(Opcode::v128_andnot, {&M::simd_binary, v, P(andn), 0, kSwap});
  BINARY(i8x16_narrow_i16x8_s, P(acksswb));
  BINARY(i8x16_narrow_i16x8_u, P(ackuswb));
  BINARY(i16x8_narrow_i32x4_s, P(ackssdw));
  BINARY(i16x8_narrow_i32x4_u, P(ackusdw));
  BINARY(f32x4_add, F(Addps, addps));
  BINARY(f64x2_add, F(Addpd, addpd));
  BINARY(f32x4_sub, F(Subps, subps));
  BINARY(f64x2_sub, F(Subpd, subpd));
  BINARY(f32x4_mul, F(Mulps, mulps));
  BINARY(f64x2_mul, F(Mulpd, mulpd));
  BINARY(f32x4_div, F(Divps, divps));
  BINARY(f64x2_div, F(Divpd, divpd));
  // The pseudo-minimum is the processor's with the operands exchanged.
  set(Opcode::f32x4_pmin, {&M::simd_binary, v, F(Minps, minps), 0, kSwap});
  set(Opcode::f64x2_pmin, {&M::simd_binary, v, F(Minpd, minpd), 0, kSwap});
  set(Opcode::f32x4_pmax, {&M::simd_binary, v, F(Maxps, maxps), 0, kSwap});
  set(Opcode::f64x2_pmax, {&M::simd_binary, v, F(Maxpd, maxpd), 0, kSwap});
  set(Opcode::f32x4_min, {&M::simd_float_min_max, f, F(Minps, minps), 0, 0});
  set(Opcode::f64x2_min, {&M::simd_float_min_max, d, F(Minpd, minpd), 0, 0});
  set(Opcode::f32x4_max, {&M::simd_float_min_max, f, F(Maxps, maxps), 0, 1});
  set(Opcode::f64x2_max, {&M::simd_float_min_max, d, F(Maxpd, maxpd), 0, 1});

  UNARY(f32x4_sqrt, F(Sqrtps, sqrtps));
  UNARY(f64x2_sqrt, F(Sqrtpd, sqrtpd));
  UNARY(i8x16_abs, P(absb));
  UNARY(i16x8_abs, P(absw));
  UNARY(i32x4_abs, P(absd));
  set(Opcode::i64x2_abs, {&M::simd_abs64, v});
  set(Opcode::i8x16_neg, {&M::simd_neg, v, P(subb)});
  set(Opcode::i16x8_neg, {&M::simd_neg, v, P(subw)});
  set(Opcode::i32x4_neg, {&M::simd_neg, v, P(subd)});
  set(Opcode::i64x2_neg, {&M::simd_neg, v, P(subq)});
  FLOAT(abs, &M::simd_float_sign, 0, 0, 0, 0);
  FLOAT(neg, &M::simd_float_sign, 0, 0, 0, 1);
  const auto round = [&](Opcode ps, Opcode pd, uint8_t mode) {
    set(ps, {&M::simd_round, v, F(Roundps, roundps), 0, mode});
    set(pd, {&M::simd_round, v, F(Roundpd, roundpd), 0, mode});
  };
  round(Opcode::f32x4_nearest, Opcode::f64x2_nearest, 8);
  round(Opcode::f32x4_floor, Opcode::f64x2_floor, 9);
  round(Opcode::f32x4_ceil, Opcode::f64x2_ceil, 10);
  round(Opcode::f32x4_trunc, Opcode::f64x2_trunc, 11);
  set(Opcode::v128_not, {&M::simd_not, v});
  set(Opcode::v128_bitselect, {&M::simd_bitselect, v});
  set(Opcode::i8x16_popcnt, {&M::simd_popcnt, v});
  set(Opcode::i64x2_mul, {&M::simd_mul64, v});
  set(Opcode::i16x8_q15mulr_sat_s, {&M::simd_q15mulr, v});

  set(Opcode::i8x16_shl, {&M::simd_shift8, v, 0, 0, 1, 0});
  set(Opcode::i8x16_shr_u, {&M::simd_shift8, v, 0, 0, 1, 1});
  set(Opcode::i8x16_shr_s, {&M::simd_shift8_signed, v});
  SHIFT(i16x8_shl, P(sllw), 2);
  SHIFT(i16x8_shr_s, P(sraw), 2);
  SHIFT(i16x8_shr_u, P(srlw), 2);
  SHIFT(i32x4_shl, P(slld), 4);
  SHIFT(i32x4_shr_s, P(srad), 4);
  SHIFT(i32x4_shr_u, P(srld), 4);
  SHIFT(i64x2_shl, P(sllq), 8);
  SHIFT(i64x2_shr_u, P(srlq), 8);
  set(Opcode::i64x2_shr_s, {&M::simd_shift64_signed, v});
}

void Machine::Rows::vector_comparisons() {
  using M = Machine;
  const auto same = [&](Opcode eq, Opcode ne, InstId sse, InstId avx) {
    set(eq, {&M::simd_binary, v, sse, avx});
    set(ne, {&M::simd_binary, v, sse, avx, 0, kInvert});
  };
  same(Opcode::i8x16_eq, Opcode::i8x16_ne, P(cmpeqb));
  same(Opcode::i16x8_eq, Opcode::i16x8_ne, P(cmpeqw));
  same(Opcode::i32x4_eq, Opcode::i32x4_ne, P(cmpeqd));
  same(Opcode::i64x2_eq, Opcode::i64x2_ne, P(cmpeqq));
  const auto order = [&](Handler handler, Opcode gt, Opcode lt, Opcode le, Opcode ge, InstId sse, InstId avx) {
    set(gt, {handler, v, sse, avx, 0, 0});
    set(lt, {handler, v, sse, avx, 0, kSwap});
    set(le, {handler, v, sse, avx, 0, kInvert});
    set(ge, {handler, v, sse, avx, 0, kSwap | kInvert});
  };
#define ORDER(t) Opcode::t##_gt_s, Opcode::t##_lt_s, Opcode::t##_le_s, Opcode::t##_ge_s
  order(&M::simd_binary, ORDER(i8x16), P(cmpgtb));
  order(&M::simd_binary, ORDER(i16x8), P(cmpgtw));
  order(&M::simd_binary, ORDER(i32x4), P(cmpgtd));
  order(&M::simd_compare_signed64, ORDER(i64x2), P(cmpgtq));
#define UNSIGNED(t, min, max, bytes)                                                 \
  set(Opcode::t##_le_u, {&M::simd_compare_unsigned, v, min, bytes, 0});              \
  set(Opcode::t##_gt_u, {&M::simd_compare_unsigned, v, min, bytes, kInvert});        \
  set(Opcode::t##_ge_u, {&M::simd_compare_unsigned, v, max, bytes, 0});              \
  set(Opcode::t##_lt_u, {&M::simd_compare_unsigned, v, max, bytes, kInvert})
  UNSIGNED(i8x16, P(minub), P(maxub), 1);
  UNSIGNED(i16x8, P(minuw), P(maxuw), 2);
  UNSIGNED(i32x4, P(minud), P(maxud), 4);
  enum : uint8_t { kEq = 0, kLt = 1, kLe = 2, kNe = 4 };
  FLOAT(eq, &M::simd_compare_float, 0, 0, kEq, 0);
  FLOAT(ne, &M::simd_compare_float, 0, 0, kNe, 0);
  FLOAT(lt, &M::simd_compare_float, 0, 0, kLt, 0);
  FLOAT(le, &M::simd_compare_float, 0, 0, kLe, 0);
  FLOAT(gt, &M::simd_compare_float, 0, 0, kLt, kSwap);
  FLOAT(ge, &M::simd_compare_float, 0, 0, kLe, kSwap);

  set(Opcode::v128_any_true, {&M::simd_any_true, i});
  set(Opcode::i8x16_all_true, {&M::simd_all_true, i, P(cmpeqb)});
  set(Opcode::i16x8_all_true, {&M::simd_all_true, i, P(cmpeqw)});
  set(Opcode::i32x4_all_true, {&M::simd_all_true, i, P(cmpeqd)});
  set(Opcode::i64x2_all_true, {&M::simd_all_true, i, P(cmpeqq)});
  set(Opcode::i8x16_bitmask, {&M::simd_bitmask, i, 0, 0, 1});
  set(Opcode::i16x8_bitmask, {&M::simd_bitmask, i, 0, 0, 2});
  set(Opcode::i32x4_bitmask, {&M::simd_bitmask, i, 0, 0, 4});
  set(Opcode::i64x2_bitmask, {&M::simd_bitmask, i, 0, 0, 8});
}

void Machine::Rows::vector_lanes() {
  using M = Machine;
  set(Opcode::v128_const, {&M::v128_const, v});
  set(Opcode::i8x16_shuffle, {&M::simd_shuffle, v});
  set(Opcode::i8x16_swizzle, {&M::simd_swizzle, v});
  set(Opcode::i8x16_splat, {&M::simd_splat, i, 0, 0, 1});
  set(Opcode::i16x8_splat, {&M::simd_splat, i, 0, 0, 2});
  set(Opcode::i32x4_splat, {&M::simd_splat, i, 0, 0, 4});
  set(Opcode::i64x2_splat, {&M::simd_splat, l, 0, 0, 8});
  set(Opcode::f32x4_splat, {&M::simd_splat, f, 0, 0, 4});
  set(Opcode::f64x2_splat, {&M::simd_splat, d, 0, 0, 8});
  set(Opcode::i8x16_extract_lane_s, {&M::simd_extract_lane, i, 0, 0, 1, 1});
  set(Opcode::i8x16_extract_lane_u, {&M::simd_extract_lane, i, 0, 0, 1});
  set(Opcode::i16x8_extract_lane_s, {&M::simd_extract_lane, i, 0, 0, 2, 1});
  set(Opcode::i16x8_extract_lane_u, {&M::simd_extract_lane, i, 0, 0, 2});
  set(Opcode::i32x4_extract_lane, {&M::simd_extract_lane, i, 0, 0, 4});
  set(Opcode::i64x2_extract_lane, {&M::simd_extract_lane, l, 0, 0, 8});
  set(Opcode::f32x4_extract_lane, {&M::simd_extract_lane, f, 0, 0, 4});
  set(Opcode::f64x2_extract_lane, {&M::simd_extract_lane, d, 0, 0, 8});
  set(Opcode::i8x16_replace_lane, {&M::simd_replace_lane, i, P(insrb), 1});
  set(Opcode::i16x8_replace_lane, {&M::simd_replace_lane, i, P(insrw), 2});
  set(Opcode::i32x4_replace_lane, {&M::simd_replace_lane, i, P(insrd), 4});
  set(Opcode::i64x2_replace_lane, {&M::simd_replace_lane, l, P(insrq), 8});
  set(Opcode::f32x4_replace_lane, {&M::simd_replace_lane, f, 0, 0, 4});
  set(Opcode::f64x2_replace_lane, {&M::simd_replace_lane, d, 0, 0, 8});
}

void Machine::Rows::vector_memory() {
  using M = Machine;
  set(Opcode::v128_load, {&M::load, v, F(Movups, movups), 16});
  set(Opcode::v128_store, {&M::store, v, F(Movups, movups), 16});
  set(Opcode::v128_load8x8_s, {&M::simd_load, v, P(movsxbw), 8});
  set(Opcode::v128_load8x8_u, {&M::simd_load, v, P(movzxbw), 8});
  set(Opcode::v128_load16x4_s, {&M::simd_load, v, P(movsxwd), 8});
  set(Opcode::v128_load16x4_u, {&M::simd_load, v, P(movzxwd), 8});
  set(Opcode::v128_load32x2_s, {&M::simd_load, v, P(movsxdq), 8});
  set(Opcode::v128_load32x2_u, {&M::simd_load, v, P(movzxdq), 8});
  set(Opcode::v128_load32_zero, {&M::simd_load, v, F(Movss, movss), 4});
  set(Opcode::v128_load64_zero, {&M::simd_load, v, F(Movsd, movsd), 8});
  set(Opcode::v128_load8_splat, {&M::simd_load_splat, v, 0, 0, 1});
  set(Opcode::v128_load16_splat, {&M::simd_load_splat, v, 0, 0, 2});
  set(Opcode::v128_load32_splat, {&M::simd_load_splat, v, 0, 0, 4});
  set(Opcode::v128_load64_splat, {&M::simd_load_splat, v, 0, 0, 8});
  set(Opcode::v128_load8_lane, {&M::simd_load_lane, v, P(insrb), 1});
  set(Opcode::v128_load16_lane, {&M::simd_load_lane, v, P(insrw), 2});
  set(Opcode::v128_load32_lane, {&M::simd_load_lane, v, P(insrd), 4});
  set(Opcode::v128_load64_lane, {&M::simd_load_lane, v, P(insrq), 8});
  set(Opcode::v128_store8_lane, {&M::simd_store_lane, v, P(extrb), 1});
  set(Opcode::v128_store16_lane, {&M::simd_store_lane, v, P(extrw), 2});
  set(Opcode::v128_store32_lane, {&M::simd_store_lane, v, P(extrd), 4});
  set(Opcode::v128_store64_lane, {&M::simd_store_lane, v, P(extrq), 8});
}

void Machine::Rows::vector_conversions() {
  using M = Machine;
  const auto halves = [&](Handler handler, Opcode low, Opcode high, InstId sse, InstId avx, uint8_t bytes) {
    set(low, {handler, v, sse, avx, bytes, 0});
    set(high, {handler, v, sse, avx, bytes, 1});
  };
#define HALVES(wide, op, narrow) Opcode::wide##_##op##_low_##narrow, Opcode::wide##_##op##_high_##narrow
  halves(&M::simd_extend, HALVES(i16x8, extend, i8x16_s), P(movsxbw), 2);
  halves(&M::simd_extend, HALVES(i16x8, extend, i8x16_u), P(movzxbw), 2);
  halves(&M::simd_extend, HALVES(i32x4, extend, i16x8_s), P(movsxwd), 4);
  halves(&M::simd_extend, HALVES(i32x4, extend, i16x8_u), P(movzxwd), 4);
  halves(&M::simd_extend, HALVES(i64x2, extend, i32x4_s), P(movsxdq), 8);
  halves(&M::simd_extend, HALVES(i64x2, extend, i32x4_u), P(movzxdq), 8);
  halves(&M::simd_extmul, HALVES(i16x8, extmul, i8x16_s), P(movsxbw), 2);
  halves(&M::simd_extmul, HALVES(i16x8, extmul, i8x16_u), P(movzxbw), 2);
  halves(&M::simd_extmul, HALVES(i32x4, extmul, i16x8_s), P(movsxwd), 4);
  halves(&M::simd_extmul, HALVES(i32x4, extmul, i16x8_u), P(movzxwd), 4);
  halves(&M::simd_extmul, HALVES(i64x2, extmul, i32x4_s), P(muldq), 8);
  halves(&M::simd_extmul, HALVES(i64x2, extmul, i32x4_u), P(muludq), 8);
  set(Opcode::i16x8_extadd_pairwise_i8x16_s, {&M::simd_extadd, v, 0, 0, 2, 1});
  set(Opcode::i16x8_extadd_pairwise_i8x16_u, {&M::simd_extadd, v, 0, 0, 2, 0});
  set(Opcode::i32x4_extadd_pairwise_i16x8_s, {&M::simd_extadd, v, 0, 0, 4, 1});
  set(Opcode::i32x4_extadd_pairwise_i16x8_u, {&M::simd_extadd, v, 0, 0, 4, 0});
  UNARY(f32x4_convert_i32x4_s, F(Cvtdq2ps, cvtdq2ps));
  UNARY(f64x2_convert_low_i32x4_s, F(Cvtdq2pd, cvtdq2pd));
  UNARY(f32x4_demote_f64x2_zero, F(Cvtpd2ps, cvtpd2ps));
  UNARY(f64x2_promote_low_f32x4, F(Cvtps2pd, cvtps2pd));
  set(Opcode::f32x4_convert_i32x4_u, {&M::f32x4_convert_u, v});
  set(Opcode::f64x2_convert_low_i32x4_u, {&M::f64x2_convert_low_u, v});
  set(Opcode::i32x4_trunc_sat_f32x4_s, {&M::trunc_sat_f32x4_s, v});
  set(Opcode::i32x4_trunc_sat_f32x4_u, {&M::trunc_sat_f32x4_u, v});
  set(Opcode::i32x4_trunc_sat_f64x2_s_zero, {&M::trunc_sat_f64x2_s, v});
  set(Opcode::i32x4_trunc_sat_f64x2_u_zero, {&M::trunc_sat_f64x2_u, v});
}

}  // namespace wherry::baseline::x64
