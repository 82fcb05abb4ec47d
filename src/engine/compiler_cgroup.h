// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace wherry::engine {

// A cgroup of its own for one compiler process, below a directory that the
// configuration names, so that a pod is never charged for compiling. Without the
// directory or the right to write there, the process's rlimits are all it has.
class CompilerCgroup {
 public:
  CompilerCgroup() = default;
  // Moves the process into a new group of at most `memory` bytes; 0: no limit.
  void join(const std::string& parent, pid_t pid, uint64_t memory);
  // The process must be gone.
  ~CompilerCgroup();
  CompilerCgroup(const CompilerCgroup&) = delete;
  CompilerCgroup& operator=(const CompilerCgroup&) = delete;

 private:
  std::string path_;  // "": none
};

}  // namespace wherry::engine
