// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "validate/subtype.h"
#include "wasm/limits.h"
#include "wasm/opcode.h"
#include "wasm/type_reader.h"

namespace wherry::validate {

// An open block.  spec: control frames of algo-valid
struct Control {
  wasm::Opcode op;
  bool unreachable = false;  // after a br or the like: operands below are of any type
  bool has_value = false;
  uint32_t height = 0;  // of the operand stack where the block begins, without its parameters
  wasm::ValType value = {};  // the one result of a block without a function type
  const wasm::FuncType* function = nullptr;
  uint32_t checked_by = ~uint32_t{0};  // the br_table, by its offset, that last looked at the block

  std::span<const wasm::ValType> params() const {
    return function ? std::span<const wasm::ValType>(function->params) : std::span<const wasm::ValType>();
  }
  std::span<const wasm::ValType> results() const {
    return function ? std::span<const wasm::ValType>(function->results) : std::span<const wasm::ValType>(&value, has_value);
  }
  // What a branch to the block takes.
  std::span<const wasm::ValType> label() const { return op == wasm::Opcode::loop ? params() : results(); }
};

// The operand stack: types in a flat buffer that holds the highest stack that
// is allowed, so that pushing never allocates.
class Operands {
 public:
  static constexpr uint32_t kSlack = 1'024;  // at least kMaxParams and kMaxResults: pushed at once

  Operands()
      : buffer_(std::make_unique_for_overwrite<std::byte[]>((wasm::kMaxOperandDepth + kSlack) * sizeof(wasm::ValType))), top_(bottom()) {}

  uint32_t height() const { return static_cast<uint32_t>(top_ - bottom()); }
  bool too_high() const { return height() > wasm::kMaxOperandDepth; }
  void set_height(uint32_t height) { top_ = bottom() + height; }

  void push(wasm::ValType type) { *top_++ = type; }
  void push(std::span<const wasm::ValType> types) {
    for (const wasm::ValType type : types) push(type);
  }
  wasm::ValType pop() { return *--top_; }
  // The n-th from the top, the topmost is 0.
  wasm::ValType& peek(uint32_t n) { return top_[-1 - static_cast<ptrdiff_t>(n)]; }
  wasm::ValType* top() { return top_; }
  void set_top(wasm::ValType* top) { top_ = top; }

 private:
  wasm::ValType* bottom() const { return reinterpret_cast<wasm::ValType*>(buffer_.get()); }

  std::unique_ptr<std::byte[]> buffer_;  // bytes, so that pages are touched only when they are used
  wasm::ValType* top_;
};

}  // namespace wherry::validate
