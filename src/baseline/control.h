// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "baseline/value.h"
#include "wasm/types.h"

namespace wherry::baseline {

// A block, loop, if or the function's body that is open.
struct Block {
  enum class Kind : uint8_t { function, block, loop, if_, else_ };

  Kind kind = Kind::block;
  bool branched_to = false;
  wasm::ValType single;           // the result, if type is null and has_result
  bool has_result = false;
  const wasm::FuncType* type = nullptr;
  uint32_t height = 0;            // operands under the parameters
  Label end;                      // of a loop: its start
  Label otherwise;                // of an if
  RegSet clean;                   // homes that are clean on every branch so far
  RegSet stale;                   // context and memory base: stale on any branch so far
  RegSet clean_at_if, stale_at_if;

  std::span<const wasm::ValType> params() const {
    return type ? std::span<const wasm::ValType>(type->params) : std::span<const wasm::ValType>();
  }
  std::span<const wasm::ValType> results() const {
    if (type) return type->results;
    return {&single, has_result ? size_t{1} : size_t{0}};
  }
  // What a branch carries.
  std::span<const wasm::ValType> label_types() const { return kind == Kind::loop ? params() : results(); }
  // The only value that a branch carries travels in a register.
  bool in_register() const { return kind != Kind::loop && results().size() == 1; }
};

}  // namespace wherry::baseline
