// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "wasm/code_reader.h"

namespace wherry::baseline {

// Copies and fills of up to so many bytes, a constant, need no call of the runtime.
// clang writes smaller ones than 64 bytes (32 with -Os) as loads and stores itself. A
// copy holds all of it in registers.
inline constexpr uint64_t kMaxInlineCopy = 96, kMaxInlineFill = 128;

// Whether `in` is one of them; `size` is the i32.const right before it, 0: none.
// Survey and back end ask the same.
inline bool is_inline_bulk(const wasm::Instruction& in, uint64_t size) {
  const bool copy = in.op == wasm::Opcode::memory_copy && in.index == 0 && in.index2 == 0;
  const bool fill = in.op == wasm::Opcode::memory_fill && in.index == 0;
  return size != 0 && ((copy && size <= kMaxInlineCopy) || (fill && size <= kMaxInlineFill));
}

}  // namespace wherry::baseline
