// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "abi/context.h"

namespace wherry::runtime {
class Store;
}

namespace wherry::abi {

// What the assembly of x64/ shares with C++; found from every context. The
// offsets are repeated in x64/layout.h.
struct StoreContext {
  // The host's stack pointer at the innermost entry: where host functions run
  // and where a trap returns to. 0: no guest code is active.
  void* host_rsp = nullptr;
  // The guest's stack pointer when it last left to the host: where a nested
  // entry's frames begin.
  uint8_t* guest_rsp = nullptr;
  // The frame record on the guest's stack through which it left; 0: it did not.
  const void* exit_frame = nullptr;
  // Both words are tested in one on each return to guest code.
  std::atomic<uint32_t> trap{0};       // 1 + Trap, set by a host function or libcall that fails
  std::atomic<uint32_t> interrupt{0};  // the reason

  runtime::Store* store = nullptr;
  std::atomic<int32_t> thread{0};  // that runs guest code of this store now
  const uint8_t* host_limit = nullptr;  // nested entries are refused below
  uint32_t unwinding = 0;  // 1 + Trap of a nested call that just ended and was written down
};
static_assert(offsetof(StoreContext, host_rsp) == 0);
static_assert(offsetof(StoreContext, guest_rsp) == 8);
static_assert(offsetof(StoreContext, exit_frame) == 16);
static_assert(offsetof(StoreContext, trap) == 24);
static_assert(offsetof(StoreContext, interrupt) == 28);

}  // namespace wherry::abi
