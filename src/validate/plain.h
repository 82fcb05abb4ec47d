// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "wasm/opcode.h"
#include "wasm/types.h"

namespace wherry::validate {

// A plain instruction's type in the form that the validator compares with.
struct PlainSignature {
  uint8_t param_count = 0;
  bool has_result = false;
  wasm::ValType params[3];
  wasm::ValType result;
};

constexpr wasm::ValType type_of_letter(char letter) {
  switch (letter) {
    case 'l': return wasm::kI64;
    case 'f': return wasm::kF32;
    case 'd': return wasm::kF64;
    case 'v': return wasm::kV128;
    default: return wasm::kI32;  // i, and a: an address of a 32-bit memory
  }
}

inline constexpr auto kIsPlain = [] {
  std::array<bool, wasm::kOpcodeCount> table{};
  for (size_t i = 0; i < wasm::kOpcodeCount; ++i) table[i] = wasm::kOpcodes[i].is_plain();
  return table;
}();

// By opcode; empty for those that are not plain.
inline constexpr auto kPlainSignatures = [] {
  std::array<PlainSignature, wasm::kOpcodeCount> table{};
  for (size_t i = 0; i < wasm::kOpcodeCount; ++i) {
    const wasm::OpcodeInfo& op = wasm::kOpcodes[i];
    if (!op.is_plain()) continue;
    for (const char letter : op.params) table[i].params[table[i].param_count++] = type_of_letter(letter);
    table[i].has_result = !op.results.empty();
    if (table[i].has_result) table[i].result = type_of_letter(op.results[0]);
  }
  return table;
}();

}  // namespace wherry::validate
