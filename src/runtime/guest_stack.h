// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace wherry::runtime {

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

 private:
  GuestStack(uint8_t* low, uint64_t size) : low_(low), size_(size) {}

  uint8_t* const low_;
  const uint64_t size_;
};

}  // namespace wherry::runtime
