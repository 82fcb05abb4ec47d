// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "wasi/host/counters.h"

namespace wherry::sandbox {

// A container's guest on this machine as it was a moment ago, from the pages that
// its process maps and from /proc. Names and numbers are what the process says.
struct RunningGuest {
  pid_t pid = 0;
  uint64_t start_time = 0;  // with pid: tells it from another of that number
  std::string id, pod, pod_namespace, name;
  uint64_t memory = 0;         // bytes of linear memory
  uint64_t memory_limit = 0;   // UINT64_MAX: none
  uint64_t resident = 0;       // bytes of the whole process
  uint64_t cpu_ticks = 0;      // of sysconf(_SC_CLK_TCK) a second
  uint64_t memory_refused = 0;
  std::array<uint64_t, wasi::kDenialKinds> denied{};
};

// Every container with a Wasm guest, by pid; containers that go away meanwhile are
// left out. denied unless this is root.
Result<std::vector<RunningGuest>> running_guests();

}  // namespace wherry::sandbox
