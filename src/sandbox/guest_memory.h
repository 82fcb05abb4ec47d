// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace wherry::sandbox {

// How much of a container's memory limit its guest may use, so that memory.grow
// answers -1 before the kernel kills: the rest is for the engine, the guest's
// stack and tables, page tables, and the page cache that its file reads need.
inline uint64_t guest_memory(uint64_t limit) {
  if (limit == UINT64_MAX) return UINT64_MAX;
  constexpr uint64_t kLeast = 3 << 20;
  constexpr uint64_t kMost = 32 << 20;
  const uint64_t headroom = std::clamp(limit / 16, kLeast, kMost);
  return limit > headroom ? limit - headroom : 0;
}

}  // namespace wherry::sandbox
