// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "baseline/x64/machine.h"

namespace wherry::baseline::x64 {

// The table behind Machine::row.
struct Machine::Rows {
  std::array<Row, wasm::kOpcodeCount> rows{};

  void set(wasm::Opcode op, const Row& row) { rows[static_cast<size_t>(op)] = row; }
  void integers();
  void bits();
  void memory();
  void loads();
  void runtime();
  void floats();
  void conversions();
  void vectors();
  void vector_arithmetic();
  void vector_comparisons();
  void vector_lanes();
  void vector_memory();
  void vector_conversions();

  Rows() {
    integers();
    bits();
    memory();
    loads();
    runtime();
    floats();
    conversions();
    vectors();
  }
};

}  // namespace wherry::baseline::x64
