// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/leb128.h"
#include "base/result.h"
#include "wasm/limits.h"
#include "wasm/module.h"
#include "wasm/opcode.h"
#include "wasm/type_reader.h"

namespace wherry::wasm {

// One instruction with its immediates; which fields are set says its Immediate.
struct Instruction {
  Opcode op;
  uint8_t align;  // of a memarg, as a power of two
  uint8_t lane;
  uint32_t offset;  // of the opcode in the module
  uint32_t index;
  uint32_t index2;
  uint64_t value;
  const uint8_t* bytes;
  BlockType block;

  int32_t i32() const { return static_cast<int32_t>(value); }
  int64_t i64() const { return static_cast<int64_t>(value); }
};

// Reads a function's body or a constant expression instruction by instruction.
// The hot loop of validation and of the compilers: nothing is allocated, and a
// plain instruction is two table lookups.
//
//   Instruction in;
//   while (!reader.at_end() && reader.next(in)) ...
//
// Only opcodes and immediates are checked here, in the test suite's words; the
// validator does the rest. TrustedCodeReader is for validated code and checks nothing.
template <Input input>
class BasicCodeReader {
 public:
  explicit BasicCodeReader(Bytes code)
      : in_(code.bytes.data(), code.bytes.data() + code.bytes.size()),
        origin_(reinterpret_cast<uintptr_t>(code.bytes.data()) - code.offset) {}

  bool at_end() const { return in_.at_end(); }
  // Of the next instruction, in the module.
  uint32_t offset() const { return offset_of(in_.position()); }

  // False if what follows is no instruction; the reader is at its end then.
  [[gnu::always_inline]] bool next(Instruction& out) {
    out.offset = offset();
    Opcode op = kPlainOpcodes[in_.byte()];
    if (op >= kPrefixOpcode) [[unlikely]]
      op = prefixed_opcode();
    out.op = op;
    if (input == Input::untrusted && in_.failure()) [[unlikely]]
      return false;
    read_immediate(kImmediates[static_cast<size_t>(op)], out);
    return input == Input::trusted || !in_.failure();
  }

  // Why next() was false.
  Error failure() const { return error(ErrorKind::malformed, in_.failure(), offset_of(in_.failure_position())); }

 private:
  uint32_t offset_of(const uint8_t* p) const { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(p) - origin_); }

  Opcode prefixed_opcode();
  void read_rare_immediate(Immediate kind, Instruction& out);
  void read_memarg(Instruction& out);
  void skip_catches(uint32_t count);

  [[gnu::always_inline]] void read_immediate(Immediate kind, Instruction& out) {
    switch (kind) {
      case Immediate::none: return;
      case Immediate::label:
      case Immediate::func:
      case Immediate::type:
      case Immediate::local:
      case Immediate::global:
      case Immediate::table:
      case Immediate::elem:
      case Immediate::tag:
      case Immediate::memory:
      case Immediate::data: out.index = in_.u32(); return;
      case Immediate::i32: out.value = static_cast<uint64_t>(int64_t{in_.s32()}); return;
      case Immediate::i64: out.value = static_cast<uint64_t>(in_.s64()); return;
      case Immediate::memarg: read_memarg(out); return;
      case Immediate::block_type: out.block = read_block_type(in_); return;
      default: read_rare_immediate(kind, out); return;
    }
  }

  ByteCursor<input> in_;
  uintptr_t origin_;
};

template <Input input>
[[gnu::always_inline]] inline void BasicCodeReader<input>::read_memarg(Instruction& out) {
  // The flags have the alignment in the lower six bits; bit 6 says that a memory's index follows.
  const uint32_t flags = in_.u32();
  out.align = flags & 63;
  out.index = 0;
  if (flags >= 64) [[unlikely]] {
    if (input == Input::untrusted && flags >= 128) in_.fail("malformed memop flags");
    out.index = in_.u32();
  }
  out.value = in_.template uN<64>();
}

using CodeReader = BasicCodeReader<Input::untrusted>;
using TrustedCodeReader = BasicCodeReader<Input::trusted>;

// Whether the body is a sequence of instructions that ends with its `end` at its
// last byte. Reads on behind a body that does not, so that the reason given is
// the reference interpreter's. For failures: validation sees all of this by itself.
Result<void> check_body_syntax(std::span<const uint8_t> binary, Bytes body);

// The labels of a br_table in order, the default last: `Labels labels(in);
// while (!labels.done()) use(labels.next());`
class Labels {
 public:
  explicit Labels(const Instruction& br_table)
      : in_(br_table.bytes, nullptr), left_(uint64_t{br_table.index} + 1) {}
  bool done() const { return left_ == 0; }
  uint32_t next() {
    --left_;
    return in_.u32();
  }

 private:
  ByteCursor<Input::trusted> in_;
  uint64_t left_;
};

}  // namespace wherry::wasm
