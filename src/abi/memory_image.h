// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "wasm/module.h"

namespace wherry::abi {

// The initial content of a defined memory 0, if it is known and dense enough that
// mapping it is better than copying segments.
struct MemoryImage {
  uint64_t address = 0;         // page-aligned
  std::vector<uint8_t> bytes;   // page-aligned; empty: there is no image
};

MemoryImage make_memory_image(const wasm::Module& module);

}  // namespace wherry::abi
