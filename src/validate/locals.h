// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "wasm/types.h"

namespace wherry::validate {

// The types of a function's locals. Those with a small number are a list; the
// rest stays in runs as in the binary, because two bytes declare any number of them.
class Locals {
 public:
  void clear() {
    first_.clear();
    runs_.clear();
    size_ = 0;
  }
  void add(uint32_t count, wasm::ValType type) {
    if (count == 0) return;
    size_ += count;
    if (first_.size() < kListed) first_.resize(std::min<uint64_t>(size_, kListed), type);
    if (size_ > kListed) runs_.push_back({size_, type});
  }
  uint64_t size() const { return size_; }

  // Whether there is a local of this number, and its type.
  bool find(uint32_t index, wasm::ValType& type) const {
    if (index < first_.size()) [[likely]]
      return type = first_[index], true;
    return find_in_runs(index, type);
  }

 private:
  static constexpr uint64_t kListed = 256;

  struct Run {
    uint64_t end;  // the number behind its last local
    wasm::ValType type;
  };

  bool find_in_runs(uint32_t index, wasm::ValType& type) const {
    const auto run = std::ranges::upper_bound(runs_, uint64_t{index}, {}, &Run::end);
    if (run == runs_.end()) return false;
    return type = run->type, true;
  }

  std::vector<wasm::ValType> first_;
  std::vector<Run> runs_;  // those that end beyond the list
  uint64_t size_ = 0;
};

}  // namespace wherry::validate
