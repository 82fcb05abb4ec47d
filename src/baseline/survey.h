// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "wasm/code_reader.h"
#include "wasm/module.h"

namespace wherry::baseline {

// What one quick look at a function's body tells before its code is made: how
// often each local is used and calls are made, weighted by loop depth, and which
// locals are surely set before they are read.
class Survey {
 public:
  struct LocalUse {
    uint32_t weight = 0;
    bool needs_zero = false;  // may be read before it is set
    uint32_t set_depth = 0;   // where it was first set: that depth and block
    uint32_t set_block = 0;
  };

  // `locals` counts the parameters, which are never zeroed.
  void run(wasm::Bytes body, uint32_t params, uint32_t locals);

  const LocalUse& local(uint32_t index) const { return locals_[index]; }
  uint32_t call_weight() const { return call_weight_; }
  bool has_calls() const { return call_weight_ != 0; }
  bool uses_vectors() const { return uses_vectors_; }

 private:
  void enter(bool loop);
  void leave();
  void read(uint32_t index);
  void set(uint32_t index);

  struct Block {
    uint32_t id;
    bool loop;
  };
  std::vector<LocalUse> locals_;
  std::vector<Block> blocks_;
  uint32_t next_block_ = 0;
  uint32_t loop_depth_ = 0;
  uint32_t weight_ = 1;
  uint32_t call_weight_ = 0;
  bool uses_vectors_ = false;
};

}  // namespace wherry::baseline
