// SPDX-License-Identifier: Apache-2.0
// Lanes: splat, extract, replace, shuffle, and the memory instructions of vectors.
#include <array>
#include <cstring>

#include "abi/cpu.h"
#include "baseline/x64/machine.h"
#include "baseline/x64/vector_names.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;

namespace {

const x86::Xmm kS = x86::xmm15, kT = x86::xmm14;
using Lanes = std::array<uint8_t, 16>;

Constant128 constant(const Lanes& lanes) {
  Constant128 bits;
  std::memcpy(bits.data(), lanes.data(), 16);
  return bits;
}

// The operand of pshufd if the lanes are whole 32-bit ones of the first vector.
int dword_shuffle(const Lanes& lanes) {
  int imm = 0;
  for (int i = 0; i < 4; ++i) {
    const uint8_t first = lanes[4 * i];
    if (first % 4 || first >= 16) return -1;
    for (int j = 1; j < 4; ++j)
      if (lanes[4 * i + j] != first + j) return -1;
    imm |= first / 4 << 2 * i;
  }
  return imm;
}

// The shift of palignr if the lanes follow one another across both vectors.
int consecutive(const Lanes& lanes) {
  for (int i = 1; i < 16; ++i)
    if (lanes[i] != lanes[0] + i) return -1;
  return lanes[0];
}

}  // namespace

void Machine::emit4(InstId id, x86::Xmm a, x86::Xmm b, const asmjit::Operand_& c, int imm) {
  a_.emit(id, a, b, c, Imm(imm));
}

void Machine::v128_const(const Row&) {
  Constant128 bits;
  std::memcpy(bits.data(), in_.bytes, 16);
  const Reg dst = f_.result(Type::v128);
  const x86::Xmm to = xmm(dst);
  if (bits[0] == 0 && bits[1] == 0 && !flags_pending_) {
    all_zero(to);
  } else {
    load_pool(to, bits);
  }
  push_result(Type::v128, dst);
}

// bytes: of a lane; type: of the scalar.
void Machine::splat(x86::Xmm x, uint32_t bytes) {
  const bool avx2 = has(bit(Cpu::avx2));
  if (bytes == 1) {
    if (avx2) return emit(Inst::kIdVpbroadcastb, x, x);
    all_zero(kS);
    return vector3(P(shufb), x, x, kS);
  }
  if (bytes == 2) {
    if (avx2) return emit(Inst::kIdVpbroadcastw, x, x);
    emit(Inst::kIdPshuflw, x, x, Imm(0));
    return emit(Inst::kIdPshufd, x, x, Imm(0));
  }
  if (has(bit(Cpu::avx))) return emit(Inst::kIdVpshufd, x, x, Imm(bytes == 4 ? 0 : 0x44));
  emit(Inst::kIdPshufd, x, x, Imm(bytes == 4 ? 0 : 0x44));
}

void Machine::simd_splat(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  if (bank_of(row.type) == Bank::vector) {
    const Reg dst = vector_result(value, value);
    copy_vector(xmm(dst), xmm(from));
    splat(xmm(dst), row.bytes);
    release_but(value, dst);
    return push_result(Type::v128, dst);
  }
  const Reg dst = f_.result(Type::v128);
  const bool avx = has(bit(Cpu::avx));
  row.type == Type::i64 ? emit(avx ? Inst::kIdVmovq : Inst::kIdMovq, xmm(dst), gp64(from))
                        : emit(avx ? Inst::kIdVmovd : Inst::kIdMovd, xmm(dst), gp32(from));
  splat(xmm(dst), row.bytes);
  f_.release(value);
  push_result(Type::v128, dst);
}

// extra: signed.
void Machine::simd_extract_lane(const Row& row) {
  Value value = f_.pop();
  const Reg from = f_.in_register(value);
  const bool avx = has(bit(Cpu::avx));
  if (bank_of(row.type) == Bank::vector) {
    const Reg dst = f_.aim() != kNoReg ? f_.result(row.type) : vector_result(value, value);
    if (in_.lane == 0) {
      copy_vector(xmm(dst), xmm(from));
    } else {
      emit(avx ? Inst::kIdVpshufd : Inst::kIdPshufd, xmm(dst), xmm(from), Imm(row.bytes == 4 ? in_.lane : 0xee));
    }
    release_but(value, dst);
    return push_result(row.type, dst);
  }
  const Reg dst = f_.result(row.type);
  const Imm lane(in_.lane);
  switch (row.bytes) {
    case 1: emit(avx ? Inst::kIdVpextrb : Inst::kIdPextrb, gp32(dst), xmm(from), lane); break;
    case 2: emit(avx ? Inst::kIdVpextrw : Inst::kIdPextrw, gp32(dst), xmm(from), lane); break;
    case 4: emit(avx ? Inst::kIdVpextrd : Inst::kIdPextrd, gp32(dst), xmm(from), lane); break;
    default: emit(avx ? Inst::kIdVpextrq : Inst::kIdPextrq, gp64(dst), xmm(from), lane); break;
  }
  if (row.extra && row.bytes == 1) emit(Inst::kIdMovsx, gp32(dst), x86::gpb(dst));
  if (row.extra && row.bytes == 2) emit(Inst::kIdMovsx, gp32(dst), x86::gpw(dst));
  f_.release(value);
  push_result(row.type, dst);
}

// inst, avx: pinsrX with the new lane in a general register or in memory.
void Machine::insert_lane(const Row& row, x86::Xmm dst, x86::Xmm from, const asmjit::Operand_& lane) {
  if (has(bit(Cpu::avx))) return emit4(row.avx, dst, from, lane, in_.lane);
  copy_vector(dst, from);
  emit(row.inst, dst, lane, Imm(in_.lane));
}

void Machine::simd_replace_lane(const Row& row) {
  Value lane = f_.pop(), vector = f_.pop();
  const Reg with = f_.in_register(lane);
  const Reg dst = f_.in_temporary(vector);
  const x86::Xmm x = xmm(dst);
  if (bank_of(row.type) == Bank::integer) {
    insert_lane(row, x, x, row.type == Type::i64 ? gp64(with) : gp32(with));
  } else if (row.type == Type::f32) {
    has(bit(Cpu::avx)) ? emit4(Inst::kIdVinsertps, x, x, xmm(with), in_.lane << 4)
                       : emit(Inst::kIdInsertps, x, xmm(with), Imm(in_.lane << 4));
  } else if (in_.lane == 0) {
    vector3(F(Movsd, movsd), x, x, xmm(with));
  } else {
    vector3(F(Movlhps, movlhps), x, x, xmm(with));
  }
  f_.release(lane);
  push_result(Type::v128, dst);
}

void Machine::simd_swizzle(const Row&) {
  Value indices = f_.pop(), vector = f_.pop();
  const x86::Xmm i = xmm(f_.in_register(indices)), a = xmm(f_.in_register(vector));
  // An index from 16 on gets its top bit, which makes a zero.
  load_pool(kS, {0x7070'7070'7070'7070, 0x7070'7070'7070'7070});
  vector3(P(addusb), kS, kS, i);
  vector3(P(shufb), kT, a, kS);
  f_.release(indices);
  f_.release(vector);
  const Reg dst = f_.result(Type::v128);
  copy_vector(xmm(dst), kT);
  push_result(Type::v128, dst);
}

void Machine::simd_shuffle(const Row&) {
  Lanes lanes;
  std::memcpy(lanes.data(), in_.bytes, 16);
  Value right = f_.pop(), left = f_.pop();
  const bool avx = has(bit(Cpu::avx));
  const bool only_right = std::ranges::all_of(lanes, [](uint8_t lane) { return lane >= 16; });
  if (only_right) {
    for (uint8_t& lane : lanes) lane -= 16;
    std::swap(left, right);
  }
  const x86::Xmm a = xmm(f_.in_register(left)), b = xmm(f_.in_register(right));
  const bool only_left = std::ranges::all_of(lanes, [](uint8_t lane) { return lane < 16; });
  if (const int imm = dword_shuffle(lanes); imm >= 0) {
    emit(avx ? Inst::kIdVpshufd : Inst::kIdPshufd, kS, a, Imm(imm));
  } else if (const int shift = consecutive(lanes); shift >= 0 && !only_left) {
    if (avx) {
      emit4(Inst::kIdVpalignr, kS, b, a, shift);
    } else {
      copy_vector(kS, b);
      emit(Inst::kIdPalignr, kS, a, Imm(shift));
    }
  } else if (only_left) {
    load_pool(kT, constant(lanes));
    vector3(P(shufb), kS, a, kT);
  } else {
    Lanes of_left, of_right;
    for (int i = 0; i < 16; ++i) {
      of_left[i] = lanes[i] < 16 ? lanes[i] : 0x80;
      of_right[i] = lanes[i] >= 16 ? lanes[i] - 16 : 0x80;
    }
    const Reg other = f_.allocate(Bank::vector);
    load_pool(kT, constant(of_left));
    vector3(P(shufb), kS, a, kT);
    load_pool(kT, constant(of_right));
    vector3(P(shufb), xmm(other), b, kT);
    vector3(P(or), kS, kS, xmm(other));
    f_.release(other);
  }
  f_.release(left);
  f_.release(right);
  push_scratch();
}

// inst, avx: one that reads `bytes` of memory into a vector.
void Machine::simd_load(const Row& row) {
  Value index = f_.pop();
  const Address at = address(index, in_.value, row.bytes);
  f_.release(index);
  const Reg dst = f_.result(Type::v128);
  line(in_.offset);
  vector2(row.inst, row.avx, xmm(dst), mem(at, row.bytes));
  push_result(Type::v128, dst);
}

void Machine::simd_load_splat(const Row& row) {
  Value index = f_.pop();
  const Address at = address(index, in_.value, row.bytes);
  const x86::Mem from = mem(at, row.bytes);
  const bool avx = has(bit(Cpu::avx)), avx2 = has(bit(Cpu::avx2));
  f_.release(index);
  const Reg dst = f_.result(Type::v128);
  const x86::Xmm x = xmm(dst);
  line(in_.offset);
  if (row.bytes == 8) {
    vector2(F(Movddup, movddup), x, from);
  } else if (row.bytes == 4) {
    avx ? emit(Inst::kIdVbroadcastss, x, from) : emit(Inst::kIdMovss, x, from);
    if (!avx) splat(x, 4);
  } else if (avx2) {
    emit(row.bytes == 1 ? Inst::kIdVpbroadcastb : Inst::kIdVpbroadcastw, x, from);
  } else {
    row.bytes == 1 ? emit(Inst::kIdPinsrb, x, from, Imm(0)) : emit(Inst::kIdPinsrw, x, from, Imm(0));
    splat(x, row.bytes);
  }
  push_result(Type::v128, dst);
}

void Machine::simd_load_lane(const Row& row) {
  Value vector = f_.pop(), index = f_.pop();
  const Reg dst = f_.in_temporary(vector);
  const Address at = address(index, in_.value, row.bytes);
  line(in_.offset);
  insert_lane(row, xmm(dst), xmm(dst), mem(at, row.bytes));
  f_.release(index);
  push_result(Type::v128, dst);
}

// inst, avx: pextrX to memory.
void Machine::simd_store_lane(const Row& row) {
  Value vector = f_.pop(), index = f_.pop();
  const Reg from = f_.in_register(vector);
  const Address at = address(index, in_.value, row.bytes);
  line(in_.offset);
  emit(has(bit(Cpu::avx)) ? row.avx : row.inst, mem(at, row.bytes), xmm(from), Imm(in_.lane));
  f_.release(vector);
  f_.release(index);
}

}  // namespace wherry::baseline::x64
