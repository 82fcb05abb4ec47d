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

  // Parameters are never zeroed.
  void run(wasm::Bytes body, uint32_t params);

  // The parameters and the locals that an instruction names, ascending: a function
  // may declare many more.
  const std::vector<uint32_t>& used() const { return used_; }

  const LocalUse& local(uint32_t index) const { return locals_[index]; }
  uint32_t call_weight() const { return call_weight_; }
  bool has_calls() const { return call_weight_ != 0; }
  bool uses_vectors() const { return uses_vectors_; }

 private:
  void enter(bool loop);
  void leave();
  LocalUse& use(uint32_t index);
  void read(uint32_t index);
  void set(uint32_t index);

  struct Block {
    uint32_t id;
    bool loop;
  };
  std::vector<LocalUse> locals_;  // weight 0 but of used ones
  std::vector<uint32_t> used_;
  std::vector<Block> blocks_;
  uint32_t next_block_ = 0;
  uint32_t loop_depth_ = 0;
  uint32_t weight_ = 1;
  uint32_t call_weight_ = 0;
  bool uses_vectors_ = false;
};

}  // namespace wherry::baseline
