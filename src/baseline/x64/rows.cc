// SPDX-License-Identifier: Apache-2.0
// What each instruction is compiled by.
#include <array>

#include "abi/context.h"
#include "abi/cpu.h"
#include "baseline/x64/rows.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using abi::Libcall;
using wasm::Opcode;

// The rows of i32 and, at the same distance in the table, i64.
#define BOTH(name, ...)                                    \
  set(Opcode::i32_##name, {__VA_ARGS__});                  \
  set(Opcode::i64_##name, {__VA_ARGS__});                  \
  rows[static_cast<size_t>(Opcode::i64_##name)].type = Type::i64

void Machine::Rows::integers() {
  using M = Machine;
  const auto i = Type::i32;
  BOTH(add, &M::add, i, Inst::kIdAdd);
  BOTH(sub, &M::sub, i, Inst::kIdSub);
  BOTH(mul, &M::mul, i, Inst::kIdImul);
  BOTH(and, &M::alu, i, Inst::kIdAnd);
  BOTH(or, &M::alu, i, Inst::kIdOr);
  BOTH(xor, &M::alu, i, Inst::kIdXor);
  BOTH(shl, &M::shift, i, Inst::kIdShl, Inst::kIdShlx);
  BOTH(shr_s, &M::shift, i, Inst::kIdSar, Inst::kIdSarx);
  BOTH(shr_u, &M::shift, i, Inst::kIdShr, Inst::kIdShrx);
  BOTH(rotl, &M::shift, i, Inst::kIdRol);
  BOTH(rotr, &M::shift, i, Inst::kIdRor);
  BOTH(div_u, &M::divide, i, 0, 0, 0, 0);
  BOTH(div_s, &M::divide, i, 0, 0, 0, 1);
  BOTH(rem_u, &M::divide, i, 0, 0, 0, 2);
  BOTH(rem_s, &M::divide, i, 0, 0, 0, 3);
  BOTH(eqz, &M::eqz, i);
  BOTH(eq, &M::compare, i, 0, 0, 0, kEqual);
  BOTH(ne, &M::compare, i, 0, 0, 0, kNotEqual);
  BOTH(lt_s, &M::compare, i, 0, 0, 0, kLess);
  BOTH(lt_u, &M::compare, i, 0, 0, 0, kBelow);
  BOTH(gt_s, &M::compare, i, 0, 0, 0, kGreater);
  BOTH(gt_u, &M::compare, i, 0, 0, 0, kAbove);
  BOTH(le_s, &M::compare, i, 0, 0, 0, kLessEqual);
  BOTH(le_u, &M::compare, i, 0, 0, 0, kBelowEqual);
  BOTH(ge_s, &M::compare, i, 0, 0, 0, kGreaterEqual);
  BOTH(ge_u, &M::compare, i, 0, 0, 0, kAboveEqual);
  set(Opcode::ref_is_null, {&M::eqz, Type::i64});
  set(Opcode::select, {&M::select});
  set(Opcode::select_t, {&M::select});
}

void Machine::Rows::bits() {
  using M = Machine;
  const auto i = Type::i32, l = Type::i64;
  const auto lzcnt = static_cast<uint8_t>(Cpu::lzcnt), bmi1 = static_cast<uint8_t>(Cpu::bmi1),
             popcnt = static_cast<uint8_t>(Cpu::popcnt);
  BOTH(clz, &M::count_bits, i, Inst::kIdLzcnt, 0, 0, lzcnt);
  BOTH(ctz, &M::count_bits, i, Inst::kIdTzcnt, 0, 0, bmi1);
  BOTH(popcnt, &M::count_bits, i, Inst::kIdPopcnt, 0, 0, popcnt);
  BOTH(extend8_s, &M::extend, i, Inst::kIdMovsx, 0, 1);
  BOTH(extend16_s, &M::extend, i, Inst::kIdMovsx, 0, 2);
  set(Opcode::i64_extend32_s, {&M::extend, l, Inst::kIdMovsxd, 0, 4});
  set(Opcode::i64_extend_i32_s, {&M::extend, l, Inst::kIdMovsxd, 0, 4});
  set(Opcode::i64_extend_i32_u, {&M::extend_u, l});
  set(Opcode::i32_wrap_i64, {&M::wrap, i});
}

void Machine::Rows::loads() {
  using M = Machine;
  const auto i = Type::i32, l = Type::i64;
  set(Opcode::i32_load, {&M::load, i, Inst::kIdMov, 0, 4});
  set(Opcode::i64_load, {&M::load, l, Inst::kIdMov, 0, 8});
  set(Opcode::f32_load, {&M::load, Type::f32, Inst::kIdMovss, Inst::kIdVmovss, 4});
  set(Opcode::f64_load, {&M::load, Type::f64, Inst::kIdMovsd, Inst::kIdVmovsd, 8});
  BOTH(load8_s, &M::load, i, Inst::kIdMovsx, 0, 1);
  BOTH(load16_s, &M::load, i, Inst::kIdMovsx, 0, 2);
  set(Opcode::i64_load32_s, {&M::load, l, Inst::kIdMovsxd, 0, 4});
  set(Opcode::i32_load8_u, {&M::load, i, Inst::kIdMovzx, 0, 1, 1});
  set(Opcode::i32_load16_u, {&M::load, i, Inst::kIdMovzx, 0, 2, 1});
  set(Opcode::i64_load8_u, {&M::load, l, Inst::kIdMovzx, 0, 1, 1});
  set(Opcode::i64_load16_u, {&M::load, l, Inst::kIdMovzx, 0, 2, 1});
  set(Opcode::i64_load32_u, {&M::load, l, Inst::kIdMov, 0, 4, 1});
}

void Machine::Rows::memory() {
  using M = Machine;
  const auto i = Type::i32, l = Type::i64;
  set(Opcode::i32_store, {&M::store, i, 0, 0, 4});
  set(Opcode::i64_store, {&M::store, l, 0, 0, 8});
  set(Opcode::f32_store, {&M::store, Type::f32, Inst::kIdMovss, Inst::kIdVmovss, 4});
  set(Opcode::f64_store, {&M::store, Type::f64, Inst::kIdMovsd, Inst::kIdVmovsd, 8});
  BOTH(store8, &M::store, i, 0, 0, 1);
  BOTH(store16, &M::store, i, 0, 0, 2);
  set(Opcode::i64_store32, {&M::store, l, 0, 0, 4});
  set(Opcode::memory_size, {&M::memory_size, i});
  set(Opcode::global_get, {&M::global_get});
  set(Opcode::global_set, {&M::global_set});
  set(Opcode::table_size, {&M::table_size});
  set(Opcode::ref_func, {&M::ref_func});
}

// inst: operands; avx: there is a result; bytes: indices before the operands.
void Machine::Rows::runtime() {
  using M = Machine;
  const auto number = [](Libcall call) { return static_cast<uint8_t>(call); };
  set(Opcode::memory_grow, {&M::libcall_row, Type::i32, 1, 1, 1, number(Libcall::memory_grow)});
  set(Opcode::memory_copy, {&M::memory_copy, Type::i32, 3, 0, 2, number(Libcall::memory_copy)});
  set(Opcode::memory_fill, {&M::memory_fill, Type::i32, 3, 0, 1, number(Libcall::memory_fill)});
  set(Opcode::memory_init, {&M::libcall_row, Type::i32, 3, 0, 2, number(Libcall::memory_init)});
  set(Opcode::data_drop, {&M::libcall_row, Type::i32, 0, 0, 1, number(Libcall::data_drop)});
  set(Opcode::elem_drop, {&M::libcall_row, Type::i32, 0, 0, 1, number(Libcall::elem_drop)});
  set(Opcode::table_get, {&M::table_row, Type::i64, 1, 1, 1, number(Libcall::table_get)});
  set(Opcode::table_set, {&M::table_row, Type::i32, 2, 0, 1, number(Libcall::table_set)});
  set(Opcode::table_grow, {&M::table_row, Type::i32, 2, 1, 1, number(Libcall::table_grow)});
  set(Opcode::table_fill, {&M::table_row, Type::i32, 3, 0, 1, number(Libcall::table_fill)});
  set(Opcode::table_copy, {&M::table_row, Type::i32, 3, 0, 2, number(Libcall::table_copy)});
  set(Opcode::table_init, {&M::table_init, Type::i32, 3, 0, 2, number(Libcall::table_init)});
}

#define FLOATS(name, handler, ...)                                   \
  set(Opcode::f32_##name, {handler, Type::f32, __VA_ARGS__});        \
  set(Opcode::f64_##name, {handler, Type::f64, __VA_ARGS__})

void Machine::Rows::floats() {
  using M = Machine;
  set(Opcode::f32_add, {&M::float_binary, Type::f32, Inst::kIdAddss, Inst::kIdVaddss, 1});
  set(Opcode::f64_add, {&M::float_binary, Type::f64, Inst::kIdAddsd, Inst::kIdVaddsd, 1});
  set(Opcode::f32_sub, {&M::float_binary, Type::f32, Inst::kIdSubss, Inst::kIdVsubss});
  set(Opcode::f64_sub, {&M::float_binary, Type::f64, Inst::kIdSubsd, Inst::kIdVsubsd});
  set(Opcode::f32_mul, {&M::float_binary, Type::f32, Inst::kIdMulss, Inst::kIdVmulss, 1});
  set(Opcode::f64_mul, {&M::float_binary, Type::f64, Inst::kIdMulsd, Inst::kIdVmulsd, 1});
  set(Opcode::f32_div, {&M::float_binary, Type::f32, Inst::kIdDivss, Inst::kIdVdivss});
  set(Opcode::f64_div, {&M::float_binary, Type::f64, Inst::kIdDivsd, Inst::kIdVdivsd});
  set(Opcode::f32_sqrt, {&M::float_unary, Type::f32, Inst::kIdSqrtss, Inst::kIdVsqrtss});
  set(Opcode::f64_sqrt, {&M::float_unary, Type::f64, Inst::kIdSqrtsd, Inst::kIdVsqrtsd});
  enum : uint8_t { kNearest = 8, kFloor = 9, kCeil = 10, kTrunc = 11 };
  FLOATS(nearest, &M::float_round, 0, 0, 0, kNearest);
  FLOATS(floor, &M::float_round, 0, 0, 0, kFloor);
  FLOATS(ceil, &M::float_round, 0, 0, 0, kCeil);
  FLOATS(trunc, &M::float_round, 0, 0, 0, kTrunc);
  FLOATS(abs, &M::float_sign, 0, 0, 0, 0);
  FLOATS(neg, &M::float_sign, 0, 0, 0, 1);
  FLOATS(copysign, &M::float_copysign, 0);
  FLOATS(min, &M::float_min_max, 0, 0, 0, 0);
  FLOATS(max, &M::float_min_max, 0, 0, 0, 1);
  FLOATS(eq, &M::float_compare, 0, 0, 0, kFloatEqual);
  FLOATS(ne, &M::float_compare, 0, 0, 0, kFloatNotEqual);
  FLOATS(gt, &M::float_compare, 0, 0, 0, kAbove);
  FLOATS(ge, &M::float_compare, 0, 0, 0, kAboveEqual);
  // Less is greater with the operands exchanged, so that NaN is false.
  FLOATS(lt, &M::float_compare, 0, 0, 1, kAbove);
  FLOATS(le, &M::float_compare, 0, 0, 1, kAboveEqual);
}

// type: of the source. bytes: of the result. extra: 1 = signed, 2 = result is i64.
void Machine::Rows::conversions() {
  using M = Machine;
  const auto f = Type::f32, d = Type::f64, i = Type::i32, l = Type::i64;
  set(Opcode::f32_convert_i32_s, {&M::int_to_float, i, 0, 0, 4, 1});
  set(Opcode::f32_convert_i32_u, {&M::int_to_float, i, 0, 0, 4, 0});
  set(Opcode::f32_convert_i64_s, {&M::int_to_float, l, 0, 0, 4, 1});
  set(Opcode::f32_convert_i64_u, {&M::int_to_float, l, 0, 0, 4, 0});
  set(Opcode::f64_convert_i32_s, {&M::int_to_float, i, 0, 0, 8, 1});
  set(Opcode::f64_convert_i32_u, {&M::int_to_float, i, 0, 0, 8, 0});
  set(Opcode::f64_convert_i64_s, {&M::int_to_float, l, 0, 0, 8, 1});
  set(Opcode::f64_convert_i64_u, {&M::int_to_float, l, 0, 0, 8, 0});
  const auto truncations = [&](Handler handler, Opcode s32, Opcode u32, Opcode s64, Opcode u64, Type from) {
    set(s32, {handler, from, 0, 0, 4, 1});
    set(u32, {handler, from, 0, 0, 4, 0});
    set(s64, {handler, from, 0, 0, 8, 3});
    set(u64, {handler, from, 0, 0, 8, 2});
  };
  truncations(&M::float_to_int, Opcode::i32_trunc_f32_s, Opcode::i32_trunc_f32_u, Opcode::i64_trunc_f32_s, Opcode::i64_trunc_f32_u, f);
  truncations(&M::float_to_int, Opcode::i32_trunc_f64_s, Opcode::i32_trunc_f64_u, Opcode::i64_trunc_f64_s, Opcode::i64_trunc_f64_u, d);
  truncations(&M::float_to_int_saturating, Opcode::i32_trunc_sat_f32_s, Opcode::i32_trunc_sat_f32_u, Opcode::i64_trunc_sat_f32_s, Opcode::i64_trunc_sat_f32_u, f);
  truncations(&M::float_to_int_saturating, Opcode::i32_trunc_sat_f64_s, Opcode::i32_trunc_sat_f64_u, Opcode::i64_trunc_sat_f64_s, Opcode::i64_trunc_sat_f64_u, d);
  set(Opcode::f32_demote_f64, {&M::float_to_float, d, Inst::kIdCvtsd2ss, Inst::kIdVcvtsd2ss, 4});
  set(Opcode::f64_promote_f32, {&M::float_to_float, f, Inst::kIdCvtss2sd, Inst::kIdVcvtss2sd, 8});
  set(Opcode::i32_reinterpret_f32, {&M::reinterpret, i, Inst::kIdMovd, Inst::kIdVmovd, 0, static_cast<uint8_t>(f)});
  set(Opcode::i64_reinterpret_f64, {&M::reinterpret, l, Inst::kIdMovq, Inst::kIdVmovq, 0, static_cast<uint8_t>(d)});
  set(Opcode::f32_reinterpret_i32, {&M::reinterpret, f, Inst::kIdMovd, Inst::kIdVmovd, 0, static_cast<uint8_t>(i)});
  set(Opcode::f64_reinterpret_i64, {&M::reinterpret, d, Inst::kIdMovq, Inst::kIdVmovq, 0, static_cast<uint8_t>(l)});
}

const Machine::Row& Machine::row(Opcode op) {
  static const Rows rows;
  return rows.rows[static_cast<size_t>(op)];
}

void Machine::instruction(const wasm::Instruction& in, const wasm::Instruction& next) {
  in_ = in;
  next_ = next;
  const Row& r = row(in.op);
  CHECK(r.handler, "an instruction without a row");
  (this->*r.handler)(r);
}

}  // namespace wherry::baseline::x64
