// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "wasi/host/errno.h"

namespace wherry::wasi {

// How a call that blocks is ended from outside: is_interrupted() turns true, then
// `fd` becomes readable. Both belong to `owner`, which outlives the host.
struct Wake {
  int fd = -1;
  const void* owner = nullptr;
  bool (*is_interrupted)(const void* owner) = nullptr;

  bool interrupted() const { return is_interrupted != nullptr && is_interrupted(owner); }
};

// Until one of the poll events happens on `fd`: those that did. again after
// `timeout` nanoseconds (0: none), intr after an interruption.
Io<short> wait_for(int fd, short events, uint64_t timeout, const Wake& wake);

}  // namespace wherry::wasi
