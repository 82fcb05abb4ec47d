// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::sandbox {

// A process to be made by clone and execveat. All descriptors are borrowed.
struct SpawnConfig {
  int exe = -1;                      // for execveat(exe, "")
  char* const* argv = nullptr;
  std::vector<int> fds;              // become 0, 1, 2, ... of the new process, which has no others
  uint64_t namespaces = 0;           // CLONE_NEW*
  int cgroup = -1;                   // directory for CLONE_INTO_CGROUP
  std::vector<int> tasks;            // v1 files into which the process writes "0" for itself
};

struct Spawned {
  int pid = -1;
  UniqueFd pidfd;
};

// The new process has an empty environment, no signal handlers, the caller's
// signal mask with everything blocked, its own session, and nothing open but `fds`.
// Its parent is the calling thread. The descriptors in `fds` must be numbers above
// fds.size(), so that none is overwritten before it is moved.
Result<Spawned> spawn(const SpawnConfig& config);

}  // namespace wherry::sandbox
