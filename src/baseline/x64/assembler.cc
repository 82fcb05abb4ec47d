// SPDX-License-Identifier: Apache-2.0
#include "baseline/x64/assembler.h"

#include <algorithm>

#include "base/result.h"

namespace wherry::baseline::x64 {

void Assembler::Failure::handleError(asmjit::Error, const char* message, asmjit::BaseEmitter*) {
  CHECK(false, message);
}

Assembler::Assembler() {
  holder_.init(asmjit::Environment(asmjit::Arch::kX64));
  holder_.setErrorHandler(&failure_);
  holder_.attach(this);
}

void Assembler::grow(size_t size) {
  const size_t at = offset();
  // asmjit counts only what it wrote itself.
  _section->_buffer._size = std::max(_section->_buffer._size, at);
  CHECK(holder_.growBuffer(&_section->_buffer, size + 64) == asmjit::kErrorOk, "out of memory for code");
  _bufferData = _section->_buffer.data();
  _bufferEnd = _bufferData + _section->_buffer.capacity();
  _bufferPtr = _bufferData + at;
}

void Assembler::displacement(Label& label) {
  const uint32_t at = position();
  if (label.bound()) return word(label.position - (at + 4));
  word(label.chain);
  label.chain = at;
}

void Assembler::jump(Label& label) {
  const int64_t distance = int64_t{label.position} - position() - 2;
  if (label.bound() && distance >= -128) {
    byte(0xeb);
    return byte(static_cast<uint8_t>(distance));
  }
  byte(0xe9);
  displacement(label);
}

void Assembler::simple_branch(uint8_t condition, Label& label) {
  const int64_t distance = int64_t{label.position} - position() - 2;
  if (label.bound() && distance >= -128) {
    byte(0x70 | condition);
    return byte(static_cast<uint8_t>(distance));
  }
  byte(0x0f);
  byte(0x80 | condition);
  displacement(label);
}

void Assembler::branch(uint8_t condition, Label& label) {
  if (condition == kFloatEqual) {
    Label unordered;
    simple_branch(kParity, unordered);
    simple_branch(kEqual, label);
    return place(unordered);
  }
  if (condition == kFloatNotEqual) {
    simple_branch(kParity, label);
    return simple_branch(kNotEqual, label);
  }
  simple_branch(condition, label);
}

void Assembler::place(Label& label) {
  const uint32_t here = position();
  for (uint32_t at = label.chain; at != Label::kNone;) {
    const uint32_t next = read32(at);
    write32(at, here - (at + 4));
    at = next;
  }
  label.chain = Label::kNone;
  label.position = here;
}

void Assembler::align_to(uint32_t alignment) {
  static constexpr uint8_t kNops[9][9] = {{0x90},
                                          {0x66, 0x90},
                                          {0x0f, 0x1f, 0x00},
                                          {0x0f, 0x1f, 0x40, 0x00},
                                          {0x0f, 0x1f, 0x44, 0x00, 0x00},
                                          {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
                                          {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
                                          {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
                                          {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00}};
  uint32_t missing = -position() & (alignment - 1);
  while (missing) {
    const uint32_t n = missing < 9 ? missing : 9;
    raw(kNops[n - 1], n);
    missing -= n;
  }
}

}  // namespace wherry::baseline::x64
