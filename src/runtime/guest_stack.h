// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace wherry::runtime {

class PageScanner;

// The stack that guest code runs on, with a guard below that turns overflow into
// a fault (abi::kStackGuard).
class GuestStack {
 public:
  static Result<std::unique_ptr<GuestStack>> create(uint64_t size);
  ~GuestStack();
  GuestStack(const GuestStack&) = delete;
  GuestStack& operator=(const GuestStack&) = delete;

  uint8_t* top() const { return low_ + size_; }
  bool contains(const void* address) const { return address >= low_ && address < low_ + size_; }
  bool in_guard(const void* address) const;

  // For Pool. What create() was asked for.
  uint64_t wanted_size() const { return wanted_size_; }
  // Leaves nothing of what lay on it; at most `keep_resident` bytes stay in memory.
  // False if the host refuses.
  bool clear(PageScanner* scanner, uint64_t keep_resident);
  void keep_small_pages();

 private:
  GuestStack(uint8_t* low, uint64_t size, uint64_t wanted_size) : low_(low), size_(size), wanted_size_(wanted_size) {}

  uint8_t* const low_;
  const uint64_t size_;
  const uint64_t wanted_size_;
};

}  // namespace wherry::runtime
