// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "baseline/x64/assembler.h"

namespace wherry::baseline::x64 {

using Constant128 = std::array<uint64_t, 2>;

// The vector constants of a chunk, each once, behind its code.
class ConstantPool {
 public:
  uint32_t add(const Constant128& bits);
  // `position` is of a rel32 field at the very end of an instruction.
  void refer(uint32_t position, uint32_t constant) { references_.push_back({position, constant}); }
  // Emits the constants and resolves the references.
  void finish(Assembler& a);

 private:
  struct Hash {
    size_t operator()(const Constant128& c) const { return c[0] * 0x9e3779b97f4a7c15u ^ (c[1] + (c[0] >> 29)); }
  };
  struct Reference {
    uint32_t position;
    uint32_t constant;
  };
  std::vector<Constant128> constants_;
  std::unordered_map<Constant128, uint32_t, Hash> index_;
  std::vector<Reference> references_;
};

}  // namespace wherry::baseline::x64
