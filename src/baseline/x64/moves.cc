// SPDX-License-Identifier: Apache-2.0
// Moves between registers, slots and constants, and operands of instructions.
#include "abi/cpu.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using abi::Cpu;

namespace {

constexpr RegSet integer_set(std::initializer_list<int> regs) {
  RegSet set;
  for (const int reg : regs) set.add(static_cast<Reg>(reg));
  return set;
}

constexpr RegSet vector_range(int first, int last) {
  RegSet set;
  for (int i = first; i <= last; ++i) set.add(static_cast<Reg>(kVectorBase + i));
  return set;
}

constexpr MachineMoves::Registers kRegisters = {
    integer_set({0, 1, 2, 11}) | vector_range(0, 5),
    integer_set({3, 12, 13, 14, 15}),
    integer_set({8, 9, 10}) | vector_range(6, 13),
    {kRax, kXmm0},
};

bool fits_i32(uint64_t bits) { return static_cast<int64_t>(bits) == static_cast<int32_t>(bits); }

}  // namespace

Machine::Machine(const Environment& environment)
    : env_(environment), f_(*this), moves_(f_, *this), has_memory_(!environment.module.memories.empty()) {}

const MachineMoves::Registers& Machine::registers() const { return kRegisters; }

void Machine::copy_vector(x86::Xmm dst, x86::Xmm source) {
  if (dst.id() == source.id()) return;
  emit(has(bit(Cpu::avx)) ? Inst::kIdVmovaps : Inst::kIdMovaps, dst, source);
}

void Machine::move(Type type, Reg to, Reg from) {
  if (bank_of(type) == Bank::vector) return copy_vector(xmm(to), xmm(from));
  emit(Inst::kIdMov, gp(type, to), gp(type, from));
}

void Machine::exchange(Reg a, Reg b) {
  if (bank_of(a) == Bank::integer) return emit(Inst::kIdXchg, gp64(a), gp64(b));
  copy_vector(xmm(kXmm15), xmm(a));
  copy_vector(xmm(a), xmm(b));
  copy_vector(xmm(b), xmm(kXmm15));
}

void Machine::load_slot(Type type, Reg to, int32_t offset) { load_memory(type, to, slot(offset, size_of(type))); }

void Machine::load_memory(Type type, Reg to, x86::Mem from) {
  const bool avx = has(bit(Cpu::avx));
  from.setSize(size_of(type));
  switch (type) {
    case Type::i32:
    case Type::i64: return emit(Inst::kIdMov, gp(type, to), from);
    case Type::f32: return emit(avx ? Inst::kIdVmovss : Inst::kIdMovss, xmm(to), from);
    case Type::f64: return emit(avx ? Inst::kIdVmovsd : Inst::kIdMovsd, xmm(to), from);
    case Type::v128: return emit(avx ? Inst::kIdVmovups : Inst::kIdMovups, xmm(to), from);
  }
}

void Machine::store_slot(Type type, int32_t offset, Reg from) {
  store_memory(type, slot(offset, size_of(type)), from);
}

void Machine::store_memory(Type type, x86::Mem at, Reg from) {
  const bool avx = has(bit(Cpu::avx));
  at.setSize(size_of(type));
  switch (type) {
    case Type::i32:
    case Type::i64: return emit(Inst::kIdMov, at, gp(type, from));
    case Type::f32: return emit(avx ? Inst::kIdVmovss : Inst::kIdMovss, at, xmm(from));
    case Type::f64: return emit(avx ? Inst::kIdVmovsd : Inst::kIdMovsd, at, xmm(from));
    case Type::v128: return emit(avx ? Inst::kIdVmovups : Inst::kIdMovups, at, xmm(from));
  }
}

void Machine::store_constant(Type type, int32_t offset, uint64_t bits) {
  store_constant(type, slot(offset, size_of(type)), bits);
}

void Machine::store_constant(Type type, x86::Mem at, uint64_t bits) {
  at.setSize(size_of(type));
  if (size_of(type) == 4) return emit(Inst::kIdMov, at, asmjit::Imm(static_cast<int32_t>(bits)));
  if (fits_i32(bits)) return emit(Inst::kIdMov, at, asmjit::Imm(static_cast<int64_t>(bits)));
  at.setSize(4);
  emit(Inst::kIdMov, at, asmjit::Imm(static_cast<int32_t>(bits)));
  at.addOffset(4);
  emit(Inst::kIdMov, at, asmjit::Imm(static_cast<int32_t>(bits >> 32)));
}

void Machine::load_constant(Type type, Reg to, uint64_t bits) {
  if (bank_of(type) == Bank::vector) {
    if (bits == 0) {
      const x86::Xmm reg = xmm(to);
      return has(bit(Cpu::avx)) ? emit(Inst::kIdVxorps, reg, reg, reg) : emit(Inst::kIdXorps, reg, reg);
    }
    const bool avx = has(bit(Cpu::avx));
    const InstId id = type == Type::f32 ? (avx ? Inst::kIdVmovss : Inst::kIdMovss) : (avx ? Inst::kIdVmovsd : Inst::kIdMovsd);
    return emit(id, xmm(to), pool_operand({bits, 0}, size_of(type)));
  }
  if (bits == 0 && !flags_pending_) return emit(Inst::kIdXor, gp32(to), gp32(to));
  if (bits <= 0xffff'ffff) return emit(Inst::kIdMov, gp32(to), asmjit::Imm(static_cast<int64_t>(bits)));
  emit(Inst::kIdMov, gp64(to), asmjit::Imm(static_cast<int64_t>(bits)));
}

void Machine::finish(const Value& value, Reg to) {
  switch (value.kind) {
    case Value::Kind::flags: {
      flags_pending_ = false;
      if (value.aux >= kFloatEqual) {
        const bool equal = value.aux == kFloatEqual;
        emit(Inst::kIdMov, gp32(to), asmjit::Imm(equal ? 0 : 1));
        Label done;
        a_.branch(kParity, done);
        emit(equal ? Inst::kIdSete : Inst::kIdSetne, x86::gpb(to));
        return a_.place(done);
      }
      static constexpr InstId kSet[] = {Inst::kIdSeto, Inst::kIdSetno, Inst::kIdSetb,  Inst::kIdSetae,
                                        Inst::kIdSete, Inst::kIdSetne, Inst::kIdSetbe, Inst::kIdSeta,
                                        Inst::kIdSets, Inst::kIdSetns, Inst::kIdSetp,  Inst::kIdSetnp,
                                        Inst::kIdSetl, Inst::kIdSetge, Inst::kIdSetle, Inst::kIdSetg};
      emit(kSet[value.aux], x86::gpb(to));
      return emit(Inst::kIdMovzx, gp32(to), x86::gpb(to));
    }
    case Value::Kind::scaled:
      if (to != value.reg) emit(Inst::kIdMov, gp(value.type, to), gp(value.type, value.reg));
      return emit(Inst::kIdShl, gp(value.type, to), asmjit::Imm(value.aux));
    case Value::Kind::memory: {
      line(value.index);
      return load_memory(value.type, to, mem({value.reg, static_cast<int32_t>(value.bits)}, size_of(value.type)));
    }
    default: CHECK(false, "nothing to finish");
  }
}

x86::Mem Machine::pool_operand(const Constant128& bits, uint32_t size) {
  pool_reference_ = pool_.add(bits);
  return x86::Mem(x86::rip, 0, size);
}

void Machine::emit(InstId id, const asmjit::Operand_& a) { a_.emit(id, a); }

void Machine::emit(InstId id, const asmjit::Operand_& a, const asmjit::Operand_& b) {
  a_.emit(id, a, b);
  if (pool_reference_ != abi::kNone) [[unlikely]]
    refer_to_pool();
}

void Machine::emit(InstId id, const asmjit::Operand_& a, const asmjit::Operand_& b, const asmjit::Operand_& c) {
  a_.emit(id, a, b, c);
  if (pool_reference_ != abi::kNone) [[unlikely]]
    refer_to_pool();
}

void Machine::refer_to_pool() {
  pool_.refer(a_.position() - 4, pool_reference_);
  pool_reference_ = abi::kNone;
}

asmjit::Operand Machine::operand(Value& value, Type type) {
  if (value.is_constant() && (type == Type::i32 || fits_i32(value.bits)))
    return asmjit::Imm(type == Type::i32 ? int64_t{value.i32()} : static_cast<int64_t>(value.bits));
  if (value.kind == Value::Kind::memory) {
    line(value.index);
    return mem({value.reg, static_cast<int32_t>(value.bits)}, size_of(type));
  }
  if (f_.in_memory(value)) return slot(f_.slot_of(value), size_of(type));
  return gp(type, f_.in_register(value));
}

// Of a float or vector instruction. Without AVX a v128 in memory would have to be
// aligned, which no slot and no guest address is.
asmjit::Operand Machine::vector_operand(Value& value) {
  const bool unaligned = value.type != Type::v128 || has(bit(Cpu::avx));
  if (unaligned && value.kind == Value::Kind::memory) {
    line(value.index);
    return mem({value.reg, static_cast<int32_t>(value.bits)}, size_of(value.type));
  }
  if (unaligned && f_.in_memory(value)) return slot(f_.slot_of(value), size_of(value.type));
  if (value.is_constant() && value.bits) return pool_operand({value.bits, 0}, size_of(value.type));
  return xmm(f_.in_register(value));
}

void Machine::vector3(InstId sse, InstId avx, x86::Xmm dst, x86::Xmm left, const asmjit::Operand_& right) {
  if (has(bit(Cpu::avx))) return emit(avx, dst, left, right);
  if (dst.id() != left.id()) emit(Inst::kIdMovaps, dst, left);
  emit(sse, dst, right);
}

void Machine::vector2(InstId sse, InstId avx, x86::Xmm dst, const asmjit::Operand_& source) {
  emit(has(bit(Cpu::avx)) ? avx : sse, dst, source);
}

void Machine::vector_shift(InstId sse, InstId avx, x86::Xmm dst, x86::Xmm source, int count) {
  if (has(bit(Cpu::avx))) return emit(avx, dst, source, asmjit::Imm(count));
  copy_vector(dst, source);
  emit(sse, dst, asmjit::Imm(count));
}

// An i32 as an address or a 64-bit number: the upper half is zero.
Reg Machine::clean_register(Value& value) {
  const Reg reg = f_.in_register(value);
  if (value.is_reg() && value.aux & Value::kDirty) {
    emit(Inst::kIdMov, gp32(reg), gp32(reg));
    value.aux = 0;
  }
  return reg;
}

bool Machine::should_swap(const Value& left, const Value& right) const {
  if (right.is_constant()) return false;
  if (left.is_constant()) return true;
  if (right.kind == Value::Kind::memory) return false;
  if (f_.aim() != kNoReg) {
    const bool right_is_aim = f_.uses(right, f_.aim());
    if (right_is_aim != f_.uses(left, f_.aim())) return right_is_aim;
  }
  if (left.is_reg() && f_.is_temporary(left.reg)) return false;
  if (right.is_reg() && f_.is_temporary(right.reg)) return true;
  return f_.in_memory(left) && !f_.in_memory(right);
}

// The register of a two-operand instruction, with the left operand already in it;
// the right operand is still intact.
Reg Machine::destination(Type type, Value& left, Value& right) {
  const Reg aim = f_.aim();
  if (aim != kNoReg && bank_of(aim) == bank_of(type)) {
    const bool in_place = f_.uses(left, aim) && left.kind != Value::Kind::scaled && left.kind != Value::Kind::memory;
    if (in_place || !f_.uses(right, aim)) {
      f_.move_to(aim, left);
      f_.release(left);
      return aim;
    }
  }
  const Reg reg = f_.in_temporary(left);
  return reg;
}

void Machine::line(uint32_t offset) {
  if (!chunk_.lines.empty() && chunk_.lines.back().wasm_offset == offset) return;
  chunk_.lines.push_back({a_.position(), offset});
}

}  // namespace wherry::baseline::x64
