// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <asmjit/x86.h>

#include <cstring>

#include "baseline/value.h"

namespace wherry::baseline::x64 {

namespace x86 = asmjit::x86;
namespace Inst = asmjit::x86::Inst;
using InstId = asmjit::InstId;

// Condition codes as x86 encodes them, and two that need the parity flag too.
enum Condition : uint8_t {
  kOverflow = 0, kNoOverflow = 1, kBelow = 2, kAboveEqual = 3, kEqual = 4, kNotEqual = 5, kBelowEqual = 6, kAbove = 7,
  kSign = 8, kNotSign = 9, kParity = 10, kNoParity = 11,
  kLess = 12, kGreaterEqual = 13, kLessEqual = 14, kGreater = 15,
  kFloatEqual = 16, kFloatNotEqual = 17,
};

// asmjit's Assembler over one buffer that is used again and again, with jumps and
// labels of our own: a forward jump costs four bytes in the code and nothing else.
class Assembler : public x86::Assembler {
 public:
  Assembler();

  uint32_t position() const { return static_cast<uint32_t>(offset()); }
  const uint8_t* data() const { return bufferData(); }
  void restart() { setOffset(0); }

  void byte(uint8_t value) { raw(&value, 1); }
  void word(uint32_t value) { raw(&value, 4); }
  void raw(const void* bytes, size_t size) {
    // asmjit does not know of these bytes: the room that its next instruction looks for is made here.
    if (remainingSpace() < size + kInstructionRoom) [[unlikely]]
      grow(size + kInstructionRoom);
    std::memcpy(_bufferPtr, bytes, size);
    _bufferPtr += size;
    // asmjit reckons with this when it enlarges the buffer.
    if (offset() > _section->_buffer._size) _section->_buffer._size = offset();
  }
  uint32_t read32(uint32_t at) const {
    uint32_t value;
    std::memcpy(&value, bufferData() + at, 4);
    return value;
  }
  void write32(uint32_t at, uint32_t value) { std::memcpy(_bufferData + at, &value, 4); }

  // The field that leads to the label, at the current position.
  void displacement(Label& label);
  void jump(Label& label);
  void branch(uint8_t condition, Label& label);
  void place(Label& label);
  void align_to(uint32_t alignment);  // with nops

 private:
  static constexpr size_t kInstructionRoom = 16;

  class Failure : public asmjit::ErrorHandler {
    void handleError(asmjit::Error error, const char* message, asmjit::BaseEmitter* origin) override;
  };

  void grow(size_t size);
  void simple_branch(uint8_t condition, Label& label);

  Failure failure_;
  asmjit::CodeHolder holder_;
};

}  // namespace wherry::baseline::x64
