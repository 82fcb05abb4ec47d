// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "abi/artifact.h"

namespace wherry::baseline {

// A rel32 field whose target lies outside the chunk.
struct Fixup {
  enum class Kind : uint32_t {
    function,      // the entry of a defined function
    static_table,  // the constant copy of a table
  };
  uint32_t position;
  Kind kind;
  uint32_t target;
};

struct ChunkFunction {
  uint32_t start;
  uint32_t entry;
};

// The code of some consecutive functions; positions are relative to its start.
struct CodeChunk {
  std::vector<uint8_t> code;
  std::vector<ChunkFunction> functions;
  std::vector<Fixup> fixups;
  std::vector<abi::TrapEntry> traps;
  std::vector<abi::LineEntry> lines;
  // Static ones that an instruction reads or writes; abi::kNone: a function is
  // named that only a static table was thought to hold.
  std::vector<uint32_t> touched_tables;
};

}  // namespace wherry::baseline
