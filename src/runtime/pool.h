// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "runtime/guest_stack.h"
#include "runtime/memory_slot.h"
#include "runtime/page_scanner.h"

namespace wherry::runtime {

struct PoolConfig {
  uint32_t max_idle = 64;               // memories, and stacks, that wait for the next store
  uint64_t keep_resident = 1 << 20;     // bytes of each that stay in memory
  bool scan_pages = true;               // false: as on a kernel that can not say which pages were written
};

// What stores leave behind for the next ones: address space that is mapped already
// and pages that are in memory already, so that a store of a module that was here
// before starts without mapping anything. What lies in a pool holds nothing of the
// guest that used it: it is restored when it comes back, and is given up if that
// fails.
//
// One for each thread that makes stores: these are made and destroyed on its
// thread, before it. Nothing is shared with other threads.
class Pool {
 public:
  explicit Pool(const PoolConfig& config = {});
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // The rest is for this folder.

  // Holds what `owner` starts with, or nothing: its owner() tells.
  Result<std::unique_ptr<MemorySlot>> take_memory(uint64_t reserved, const MemorySlot::Owner& owner);
  void put(std::unique_ptr<MemorySlot> slot);
  Result<std::unique_ptr<GuestStack>> take_stack(uint64_t size);
  void put(std::unique_ptr<GuestStack> stack);

 private:
  const PoolConfig config_;
  const std::unique_ptr<PageScanner> scanner_;
  std::vector<std::unique_ptr<MemorySlot>> memories_;  // the last one came last
  std::vector<std::unique_ptr<GuestStack>> stacks_;
  uint64_t taken_ = 0;
};

}  // namespace wherry::runtime
