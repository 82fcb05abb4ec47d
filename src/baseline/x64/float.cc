// SPDX-License-Identifier: Apache-2.0
// Float arithmetic and comparisons, and select.
#include <bit>

#include "abi/cpu.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;

namespace {

enum : uint8_t { kCommutative = 1 };

Constant128 sign_mask(Type type) {
  if (type == Type::f32) return {0x8000'0000'8000'0000, 0x8000'0000'8000'0000};
  return {0x8000'0000'0000'0000, 0x8000'0000'0000'0000};
}
Constant128 magnitude_mask(Type type) {
  const Constant128 sign = sign_mask(type);
  return {~sign[0], ~sign[1]};
}

}  // namespace

// The register of a three-operand instruction's result: any is good, since the
// operands are read before it is written.
Reg Machine::vector_result(const Value& left, const Value& right) {
  if (f_.aim() != kNoReg && bank_of(f_.aim()) == Bank::vector) return f_.aim();
  if (left.is_reg() && f_.is_temporary(left.reg)) return left.reg;
  if (right.is_reg() && f_.is_temporary(right.reg)) return right.reg;
  return f_.allocate(Bank::vector);
}

void Machine::release_but(const Value& value, Reg kept) {
  if (value.reg != kept) f_.release(value);
}

void Machine::vector_binary(const Row& row, Value left, Value right) {
  if (has(bit(Cpu::avx))) {
    const Reg from = f_.in_register(left);
    const Reg dst = vector_result(left, right);
    emit(row.avx, xmm(dst), xmm(from), vector_operand(right));
    release_but(left, dst);
    release_but(right, dst);
    return push_result(row.type, dst);
  }
  const Reg dst = destination(row.type, left, right);
  emit(row.inst, xmm(dst), vector_operand(right));
  f_.release(right);
  push_result(row.type, dst);
}

void Machine::float_binary(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  if (row.bytes & kCommutative && should_swap(left, right)) std::swap(left, right);
  vector_binary(row, left, right);
}

void Machine::float_unary(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const Reg dst = vector_result(value, value);
  has(bit(Cpu::avx)) ? emit(row.avx, xmm(dst), xmm(from), xmm(from)) : emit(row.inst, xmm(dst), xmm(from));
  release_but(value, dst);
  push_result(row.type, dst);
}

void Machine::float_round(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const Reg dst = vector_result(value, value);
  if (has(bit(Cpu::avx))) {
    row.type == Type::f32 ? a_.vroundss(xmm(dst), xmm(from), xmm(from), Imm(row.extra))
                          : a_.vroundsd(xmm(dst), xmm(from), xmm(from), Imm(row.extra));
  } else {
    emit(row.type == Type::f32 ? Inst::kIdRoundss : Inst::kIdRoundsd, xmm(dst), xmm(from), Imm(row.extra));
  }
  release_but(value, dst);
  push_result(row.type, dst);
}

// abs and neg; extra: neg.
void Machine::float_sign(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const Reg dst = vector_result(value, value);
  const Constant128 mask = row.extra ? sign_mask(row.type) : magnitude_mask(row.type);
  if (has(bit(Cpu::avx))) {
    emit(row.extra ? Inst::kIdVxorps : Inst::kIdVandps, xmm(dst), xmm(from), pool_operand(mask, 16));
  } else {
    copy_vector(xmm(dst), xmm(from));
    emit(row.extra ? Inst::kIdXorps : Inst::kIdAndps, xmm(dst), pool_operand(mask, 16));
  }
  release_but(value, dst);
  push_result(row.type, dst);
}

void Machine::float_copysign(const Row& row) {
  Value sign = f_.pop(), magnitude = f_.pop();
  const Reg b = f_.in_register(sign), a = f_.in_register(magnitude);
  const x86::Xmm mask = xmm(kXmm15), bits = xmm(kXmm14);
  vector2(Inst::kIdMovaps, Inst::kIdVmovaps, mask, pool_operand(sign_mask(row.type), 16));
  vector3(Inst::kIdAndps, Inst::kIdVandps, bits, mask, xmm(b));
  vector3(Inst::kIdAndnps, Inst::kIdVandnps, mask, mask, xmm(a));
  const Reg dst = vector_result(magnitude, sign);
  vector3(Inst::kIdOrps, Inst::kIdVorps, xmm(dst), mask, bits);
  release_but(sign, dst);
  release_but(magnitude, dst);
  push_result(row.type, dst);
}

// min and max; extra: max. The processor's own differ from Wasm's for NaN and
// for zeros of both signs.
void Machine::float_min_max(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  const Reg b = f_.in_register(right);
  const Reg dst = destination(row.type, left, right);
  const bool is_32 = row.type == Type::f32;
  Label differ, nan, done;
  vector2(is_32 ? Inst::kIdUcomiss : Inst::kIdUcomisd, is_32 ? Inst::kIdVucomiss : Inst::kIdVucomisd, xmm(dst), xmm(b));
  a_.branch(kNotEqual, differ);
  a_.branch(kParity, nan);
  row.extra ? vector3(Inst::kIdAndps, Inst::kIdVandps, xmm(dst), xmm(dst), xmm(b))
            : vector3(Inst::kIdOrps, Inst::kIdVorps, xmm(dst), xmm(dst), xmm(b));
  a_.jump(done);
  a_.place(nan);
  is_32 ? vector3(Inst::kIdAddss, Inst::kIdVaddss, xmm(dst), xmm(dst), xmm(b))
        : vector3(Inst::kIdAddsd, Inst::kIdVaddsd, xmm(dst), xmm(dst), xmm(b));
  a_.jump(done);
  a_.place(differ);
  if (row.extra) {
    is_32 ? vector3(Inst::kIdMaxss, Inst::kIdVmaxss, xmm(dst), xmm(dst), xmm(b))
          : vector3(Inst::kIdMaxsd, Inst::kIdVmaxsd, xmm(dst), xmm(dst), xmm(b));
  } else {
    is_32 ? vector3(Inst::kIdMinss, Inst::kIdVminss, xmm(dst), xmm(dst), xmm(b))
          : vector3(Inst::kIdMinsd, Inst::kIdVminsd, xmm(dst), xmm(dst), xmm(b));
  }
  a_.place(done);
  release_but(right, dst);
  push_result(row.type, dst);
}

// bytes: the operands change places.
void Machine::float_compare(const Row& row) {
  Value right = f_.pop(), left = f_.pop();
  if (row.bytes) std::swap(left, right);
  const Reg reg = f_.in_register(left);
  const bool is_32 = row.type == Type::f32;
  vector2(is_32 ? Inst::kIdUcomiss : Inst::kIdUcomisd, is_32 ? Inst::kIdVucomiss : Inst::kIdVucomisd, xmm(reg),
          vector_operand(right));
  f_.release(left);
  f_.release(right);
  push_condition(row.extra);
}

void Machine::select(const Row&) {
  static constexpr InstId kMoveIf[] = {Inst::kIdCmovo, Inst::kIdCmovno, Inst::kIdCmovb,  Inst::kIdCmovae,
                                       Inst::kIdCmove, Inst::kIdCmovne, Inst::kIdCmovbe, Inst::kIdCmova,
                                       Inst::kIdCmovs, Inst::kIdCmovns, Inst::kIdCmovp,  Inst::kIdCmovnp,
                                       Inst::kIdCmovl, Inst::kIdCmovge, Inst::kIdCmovle, Inst::kIdCmovg};
  uint8_t flags = condition(f_.pop());
  Value otherwise = f_.pop(), value = f_.pop();
  const Type type = value.type;
  if (bank_of(type) == Bank::vector) {
    // What is skipped must change no more than dst: a home that is loaded there would be stale on the other way.
    if (!otherwise.is_constant() && !f_.in_memory(otherwise)) f_.in_register(otherwise);
    const Reg dst = destination(type, value, otherwise);
    Label done;
    a_.branch(flags, done);
    f_.move_to(dst, otherwise);
    a_.place(done);
    f_.release(otherwise);
    flags_pending_ = false;
    return push_result(type, dst);
  }
  if (flags == kFloatNotEqual) {
    std::swap(value, otherwise);
    flags = kFloatEqual;
  }
  if (otherwise.is_constant()) f_.in_register(otherwise);
  // A value that the convention leaves dirty stays so, unless it is cleaned now.
  const uint8_t dirty = type == Type::i32 && ((value.is_reg() && value.aux) || (otherwise.is_reg() && otherwise.aux));
  const Reg dst = destination(type, value, otherwise);
  const asmjit::Operand source = operand(otherwise, type);
  if (flags == kFloatEqual) {
    emit(Inst::kIdCmovp, gp(type, dst), source);
    emit(Inst::kIdCmovne, gp(type, dst), source);
  } else {
    emit(kMoveIf[flags ^ 1], gp(type, dst), source);
  }
  flags_pending_ = false;
  f_.release(otherwise);
  push_result(type, dst, dirty ? Value::kDirty : 0);
}

}  // namespace wherry::baseline::x64
