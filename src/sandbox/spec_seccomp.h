// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/json_node.h"

namespace wherry::sandbox {

struct SeccompArgument {
  uint32_t index = 0;
  uint64_t value = 0;
  uint64_t valueTwo = 0;
  std::string op;  // "SCMP_CMP_EQ"
};

struct SeccompRule {
  std::vector<std::string> names;
  std::string action;
  std::optional<uint32_t> errnoRet;
  std::vector<SeccompArgument> args;
};

// linux.seccomp: what native programs are confined by. A Wasm guest's process has a
// filter of our own, which allows less than any of these.
// spec: runtime-spec config-linux.md, Seccomp
struct Seccomp {
  std::string defaultAction;
  std::optional<uint32_t> defaultErrnoRet;
  std::vector<std::string> architectures;
  std::vector<std::string> flags;
  std::string listenerPath;
  std::vector<SeccompRule> syscalls;
};

Result<void> read_seccomp(const JsonNode& in, Seccomp& out);

}  // namespace wherry::sandbox
