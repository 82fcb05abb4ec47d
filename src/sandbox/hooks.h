// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// The state document that hooks read on their standard input.
struct HookState {
  std::string id;
  std::string status;  // creating created running stopped
  int pid = 0;         // 0: left out
  std::string bundle;
  const Spec* spec = nullptr;
};

// Runs the hooks in order in this process's namespaces, each with its own timeout
// and none of this process's descriptors or environment. The first that fails ends
// it: "createRuntime hook /x: exit code 1: <last line of its stderr>". The caller
// decides whether that matters (poststart and poststop: only a warning).
Result<void> run_hooks(std::string_view kind, const std::vector<Hook>& hooks, const HookState& state);

}  // namespace wherry::sandbox
