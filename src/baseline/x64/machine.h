// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "baseline/code_chunk.h"
#include "baseline/environment.h"
#include "baseline/frame.h"
#include "baseline/machine.h"
#include "baseline/parallel_move.h"
#include "baseline/x64/assembler.h"
#include "baseline/x64/constant_pool.h"

namespace wherry::baseline::x64 {

// The x86-64 back end. rdi is the context and rsi the base of memory 0 in every
// function; rax, rcx, rdx and r11 are always temporaries, xmm14 and xmm15 scratch
// of one instruction. An i32 in a register has a zero upper half unless its Value
// says kDirty.
class Machine final : public baseline::Machine {
 public:
  explicit Machine(const Environment& environment);

  Frame& frame() { return f_; }
  // Ends the current chunk and hands it over.
  CodeChunk take_chunk();

  const Registers& registers() const override;
  void move(Type type, Reg to, Reg from) override;
  void load_slot(Type type, Reg to, int32_t slot) override;
  void store_slot(Type type, int32_t slot, Reg from) override;
  void store_constant(Type type, int32_t slot, uint64_t bits) override;
  void load_constant(Type type, Reg to, uint64_t bits) override;
  void finish(const Value& value, Reg to) override;
  void exchange(Reg a, Reg b) override;

  int32_t saved_bytes(const FunctionPlan& plan) const override;
  Reg argument_register(abi::ArgumentLocation location) const override;
  int32_t stack_argument_slot(uint32_t offset) const override { return 16 + static_cast<int32_t>(offset); }

  void begin_function(const FunctionPlan& plan) override;
  void return_results() override;
  void end_function(int32_t frame_bytes) override;

  uint32_t position() const override { return a_.position(); }
  void jump(Label& label) override { a_.jump(label); }
  void bind(Label& label) override { a_.place(label); }
  uint8_t condition(Value value) override;
  uint8_t negated(uint8_t condition) const override { return condition ^ 1; }
  void branch(uint8_t condition, Label& label) override;
  void branch_table(Value index, std::span<Label* const> targets) override;
  void trap(Trap trap, uint32_t offset) override;

  void instruction(const wasm::Instruction& in, const wasm::Instruction& next) override;
  void call(const Callee& callee) override;
  void tail_call(const Callee& callee) override;

 private:
  struct Row;
  struct Rows;
  using Handler = void (Machine::*)(const Row&);
  friend struct Rows;

  // What an instruction does, by opcode: the handler and what it needs to know.
  struct Row {
    Handler handler = nullptr;
    Type type = Type::i32;
    InstId inst = 0;
    InstId avx = 0;   // the three-operand form
    uint8_t bytes = 0;
    uint8_t extra = 0;
  };
  static const Row& row(wasm::Opcode op);

  // moves.cc
  static x86::Gp gp(Type type, Reg reg) { return type == Type::i32 ? x86::Gp(x86::gpd(reg)) : x86::Gp(x86::gpq(reg)); }
  static x86::Gp gp32(Reg reg) { return x86::gpd(reg); }
  static x86::Gp gp64(Reg reg) { return x86::gpq(reg); }
  static x86::Xmm xmm(Reg reg) { return x86::xmm(reg - kVectorBase); }
  static x86::Mem slot(int32_t offset, uint32_t size) { return x86::Mem(x86::rbp, offset, size); }
  bool has(uint64_t cpu) const { return env_.options.cpu_features & cpu; }
  asmjit::Operand operand(Value& value, Type type);
  asmjit::Operand vector_operand(Value& value);
  x86::Mem pool_operand(const Constant128& bits, uint32_t size);
  void refer_to_pool();
  void emit(InstId id, const asmjit::Operand_& a);
  void emit(InstId id, const asmjit::Operand_& a, const asmjit::Operand_& b);
  void emit(InstId id, const asmjit::Operand_& a, const asmjit::Operand_& b, const asmjit::Operand_& c);
  void vector3(InstId sse, InstId avx, x86::Xmm dst, x86::Xmm left, const asmjit::Operand_& right);
  void vector2(InstId sse, InstId avx, x86::Xmm dst, const asmjit::Operand_& source);
  void vector_shift(InstId sse, InstId avx, x86::Xmm dst, x86::Xmm source, int count);
  void load_memory(Type type, Reg to, x86::Mem from);
  void store_memory(Type type, x86::Mem at, Reg from);
  void store_constant(Type type, x86::Mem at, uint64_t bits);
  void copy_vector(x86::Xmm dst, x86::Xmm source);
  Reg clean_register(Value& value);
  Reg destination(Type type, Value& left, Value& right);
  bool should_swap(const Value& left, const Value& right) const;
  void push_result(Type type, Reg reg, uint8_t aux = 0) { f_.push_reg(type, reg, aux); }

  // integer.cc
  void alu(const Row& row);
  void add(const Row& row);
  void sub(const Row& row);
  void mul(const Row& row);
  void shift(const Row& row);
  void divide(const Row& row);
  bool divide_by_constant(const Row& row);
  void divide_unsigned(uint32_t n, bool remainder);
  void divide_signed(uint32_t n, bool remainder);
  void divide_unsigned64(uint64_t n, bool remainder);
  void divide_signed64(uint64_t n, bool remainder);
  Value take_division_registers(Value x);
  void remainder_of(Value x, Reg quotient, uint64_t n);
  RegSet integer_temporaries_but_division() const;
  void compare(const Row& row);
  void eqz(const Row& row);
  void test(const Row& row);
  void push_condition(uint8_t condition);
  void count_bits(const Row& row);
  void count_bits_slowly(const Row& row);
  void extend(const Row& row);
  void wrap(const Row& row);
  void extend_u(const Row& row);
  void alu_values(const Row& row, Value left, Value right);

  // memory.cc
  struct Address {
    Reg index = kNoReg;
    int32_t displacement = 0;
  };
  Address address(Value& index, uint64_t offset, uint32_t bytes);
  Address checked_address(Reg index, uint64_t offset, uint32_t bytes);
  static x86::Mem mem(const Address& address, uint32_t bytes);
  void load(const Row& row);
  void store(const Row& row);
  void memory_size(const Row& row);
  void global_get(const Row& row);
  void global_set(const Row& row);
  x86::Mem global_memory(uint32_t index, uint32_t bytes, Reg& holder);
  void libcall_row(const Row& row);
  void table_size(const Row& row);
  void ref_func(const Row& row);
  void table_row(const Row& row);
  void table_init(const Row& row);
  void touch(uint32_t table);

  // bulk.cc
  uint32_t inline_bulk_size();
  void load_piece(uint32_t width, Reg to, x86::Mem from);
  void store_piece(uint32_t width, x86::Mem to, Reg from);
  void probe_end(const Address& start, uint32_t size);
  Reg repeated_byte(Value& byte, uint32_t width);
  void memory_copy(const Row& row);
  void memory_fill(const Row& row);

  // float.cc, convert.cc
  void select(const Row& row);
  Reg vector_result(const Value& left, const Value& right);
  void release_but(const Value& value, Reg kept);
  void vector_binary(const Row& row, Value left, Value right);
  void float_binary(const Row& row);
  void float_unary(const Row& row);
  void float_round(const Row& row);
  void float_sign(const Row& row);
  void float_min_max(const Row& row);
  void float_copysign(const Row& row);
  void float_compare(const Row& row);
  void int_to_float(const Row& row);
  void compare_floats(Type type, x86::Xmm a, const asmjit::Operand_& b);
  void truncate(Type from, x86::Gp to, x86::Xmm value);
  void vector2(InstId sse, InstId avx, x86::Gp dst, const asmjit::Operand_& source);
  void convert_integer(Type to, x86::Xmm dst, x86::Gp source);
  void unsigned64_to_float(Value value, Type to);
  void trap_conversion(Type from, x86::Xmm value);
  void truncate_above_two63(Type from, Reg dst, x86::Xmm x);
  void float_to_int(const Row& row);
  void float_to_int_saturating(const Row& row);
  void float_to_float(const Row& row);
  void reinterpret(const Row& row);

  // calls.cc
  void indirect_target(const Callee& callee, bool static_table);
  void move_arguments(const Callee& callee);
  void push_call_results(const Callee& callee, uint32_t area);
  void restore_stack(uint32_t popped);
  void load_callee(x86::Mem func_ref);
  void replace_frame(const abi::CallLayout& callee);
  void need_outgoing(uint32_t bytes) { outgoing_ = std::max(outgoing_, (bytes + 15) & ~15u); }
  void restore_kept();
  void leave_frame();

  // function.cc
  void dirty(Reg reg);
  void store_zeros();
  void take_parameters();
  void framing_entry(uint32_t frame_bytes);
  void probing_entry(uint32_t frame_bytes);
  void trap_here(Trap trap);

  // simd*.cc
  void load_pool(x86::Xmm to, const Constant128& bits);
  void all_ones(x86::Xmm to);
  void all_zero(x86::Xmm to);
  void push_scratch(Type type = Type::v128);
  void pop_two(Value& left, Value& right, x86::Xmm& a, x86::Xmm& b);
  void invert_top();
  void compare_lanes(Type type, int predicate, x86::Xmm dst, x86::Xmm a, x86::Xmm b);
  void shift_count(Value& count, uint32_t mask, int32_t more);
  void emit4(InstId id, x86::Xmm a, x86::Xmm b, const asmjit::Operand_& c, int imm);
  void splat(x86::Xmm x, uint32_t bytes);
  void insert_lane(const Row& row, x86::Xmm dst, x86::Xmm from, const asmjit::Operand_& lane);
  void shuffle_dwords(x86::Xmm dst, x86::Xmm from, int imm);
  void widen(const Row& row, x86::Xmm dst, x86::Xmm from);
  void simd_binary(const Row& row);
  void simd_compare_unsigned(const Row& row);
  void simd_compare_signed64(const Row& row);
  void simd_compare_float(const Row& row);
  void simd_unary(const Row& row);
  void simd_round(const Row& row);
  void simd_not(const Row& row);
  void simd_neg(const Row& row);
  void simd_float_sign(const Row& row);
  void simd_abs64(const Row& row);
  void simd_mul64(const Row& row);
  void simd_q15mulr(const Row& row);
  void simd_bitselect(const Row& row);
  void simd_popcnt(const Row& row);
  void simd_any_true(const Row& row);
  void simd_all_true(const Row& row);
  void simd_bitmask(const Row& row);
  void simd_shift(const Row& row);
  void simd_shift8(const Row& row);
  void simd_shift8_signed(const Row& row);
  void simd_shift64_signed(const Row& row);
  void simd_float_min_max(const Row& row);
  void v128_const(const Row& row);
  void simd_splat(const Row& row);
  void simd_extract_lane(const Row& row);
  void simd_replace_lane(const Row& row);
  void simd_swizzle(const Row& row);
  void simd_shuffle(const Row& row);
  void simd_load(const Row& row);
  void simd_load_splat(const Row& row);
  void simd_load_lane(const Row& row);
  void simd_store_lane(const Row& row);
  void simd_extend(const Row& row);
  void simd_extmul(const Row& row);
  void simd_extadd(const Row& row);
  void f32x4_convert_u(const Row& row);
  void f64x2_convert_low_u(const Row& row);
  void trunc_sat_f32x4_s(const Row& row);
  void trunc_sat_f32x4_u(const Row& row);
  void trunc_sat_f64x2_s(const Row& row);
  void trunc_sat_f64x2_u(const Row& row);

  void line(uint32_t offset);
  void trap_if(uint8_t condition, Trap trap);

  const Environment& env_;
  Frame f_;
  Assembler a_;
  ConstantPool pool_;
  ParallelMove moves_;
  CodeChunk chunk_;
  FunctionPlan plan_;

  struct TrapSite {
    Label label;
    Trap trap;
    uint32_t offset;
    bool in_static_table = false;  // of the entry at rax, which may be null
  };
  struct ZeroSlot {
    int32_t from, to;
  };
  std::vector<TrapSite> trap_sites_;
  std::vector<Value> arguments_, returned_;
  std::vector<ZeroSlot> zero_slots_;
  wasm::Instruction in_{}, next_{};
  uint32_t start_ = 0;
  uint32_t outgoing_ = 0;
  int32_t result_area_slot_ = 0;
  uint32_t pool_reference_ = abi::kNone;
  bool leaf_ = false;  // uses the red zone instead of a frame
  bool flags_pending_ = false;
  bool has_memory_;
};

inline constexpr Reg kRax = 0, kRcx = 1, kRdx = 2, kRbx = 3, kRsi = 6, kRdi = 7, kR8 = 8, kR9 = 9, kR10 = 10, kR11 = 11;
inline constexpr Reg kXmm0 = kVectorBase, kXmm14 = kVectorBase + 14, kXmm15 = kVectorBase + 15;

}  // namespace wherry::baseline::x64
