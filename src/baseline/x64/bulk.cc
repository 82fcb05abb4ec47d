// SPDX-License-Identifier: Apache-2.0
// Copies and fills of a few bytes, without a call.
#include "abi/cpu.h"
#include "baseline/bulk.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

using abi::Cpu;
using asmjit::Imm;

namespace {

// `size` bytes as pieces of one width; the last one overlaps the one before.
class Pieces {
 public:
  explicit Pieces(uint32_t size) : size_(size) {
    while (width_ * 2 <= size && width_ < 16) width_ *= 2;
  }
  uint32_t width() const { return width_; }
  uint32_t count() const { return (size_ + width_ - 1) / width_; }
  int32_t offset(uint32_t i) const { return static_cast<int32_t>(std::min(i * width_, size_ - width_)); }

 private:
  const uint32_t size_;
  uint32_t width_ = 1;
};
constexpr uint32_t kMaxPieces = kMaxInlineCopy / 16;  // as many as there are vector temporaries

}  // namespace

// 0: not a constant that is small enough.
uint32_t Machine::inline_bulk_size() {
  const Value& size = f_.top();
  const bool is_inline = size.is_constant() && is_inline_bulk(in_, static_cast<uint32_t>(size.bits));
  return is_inline ? static_cast<uint32_t>(size.bits) : 0;
}

void Machine::load_piece(uint32_t width, Reg to, x86::Mem from) {
  switch (width) {
    case 1: return emit(Inst::kIdMovzx, gp32(to), from);
    case 2: return emit(Inst::kIdMovzx, gp32(to), from);
    case 4: return load_memory(Type::i32, to, from);
    case 8: return load_memory(Type::i64, to, from);
    default: return load_memory(Type::v128, to, from);
  }
}

void Machine::store_piece(uint32_t width, x86::Mem to, Reg from) {
  switch (width) {
    case 1: return emit(Inst::kIdMov, to, x86::gpb(from));
    case 2: return emit(Inst::kIdMov, to, x86::gpw(from));
    case 4: return store_memory(Type::i32, to, from);
    case 8: return store_memory(Type::i64, to, from);
    default: return store_memory(Type::v128, to, from);
  }
}

// Faults where the range's end does: a store that comes later and faults would
// leave a part written.
void Machine::probe_end(const Address& start, uint32_t size) {
  if (env_.options.explicit_bounds_checks) return;
  emit(Inst::kIdCmp, mem({start.index, start.displacement + static_cast<int32_t>(size) - 1}, 1), Imm(0));
}

// All is read before anything is written, so the ranges may overlap.
void Machine::memory_copy(const Row& row) {
  const uint32_t size = inline_bulk_size();
  if (!size) return libcall_row(row);
  f_.pop();
  Value source = f_.pop(), target = f_.pop();
  const Pieces pieces(size);
  const Type type = pieces.width() == 16 ? Type::v128 : Type::i64;
  const Address from = address(source, 0, size);
  line(in_.offset);
  Reg parts[kMaxPieces];
  for (uint32_t i = 0; i < pieces.count(); ++i) {
    parts[i] = f_.allocate(type);
    load_piece(pieces.width(), parts[i], mem({from.index, from.displacement + pieces.offset(i)}, pieces.width()));
  }
  f_.release(source);
  const Address to = address(target, 0, size);
  line(in_.offset);
  probe_end(to, size);
  for (uint32_t i = 0; i < pieces.count(); ++i) {
    store_piece(pieces.width(), mem({to.index, to.displacement + pieces.offset(i)}, pieces.width()), parts[i]);
    f_.release(parts[i]);
  }
  f_.release(target);
}

// The byte of an i32 in each byte of a register of the pieces' bank.
Reg Machine::repeated_byte(Value& byte, uint32_t width) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101;
  const Reg reg = f_.allocate(Bank::integer);
  if (byte.is_constant()) {
    load_constant(Type::i64, reg, static_cast<uint8_t>(byte.bits) * kOnes);
  } else {
    const Reg from = f_.in_register(byte);
    emit(Inst::kIdMovzx, gp32(reg), x86::gpb(from));
    const Reg ones = f_.allocate(Bank::integer);
    load_constant(Type::i64, ones, kOnes);
    emit(Inst::kIdImul, gp64(reg), gp64(ones));
    f_.release(ones);
  }
  f_.release(byte);
  if (width < 16) return reg;
  const Reg wide = f_.allocate(Type::v128);
  emit(has(bit(Cpu::avx)) ? Inst::kIdVmovq : Inst::kIdMovq, xmm(wide), gp64(reg));
  vector3(Inst::kIdPunpcklqdq, Inst::kIdVpunpcklqdq, xmm(wide), xmm(wide), xmm(wide));
  f_.release(reg);
  return wide;
}

void Machine::memory_fill(const Row& row) {
  const uint32_t size = inline_bulk_size();
  if (!size) return libcall_row(row);
  f_.pop();
  Value byte = f_.pop(), target = f_.pop();
  const Pieces pieces(size);
  const Reg content = repeated_byte(byte, pieces.width());
  const Address to = address(target, 0, size);
  line(in_.offset);
  probe_end(to, size);
  for (uint32_t i = 0; i < pieces.count(); ++i) {
    store_piece(pieces.width(), mem({to.index, to.displacement + pieces.offset(i)}, pieces.width()), content);
  }
  f_.release(content);
  f_.release(target);
}

}  // namespace wherry::baseline::x64
