// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "node/restart.h"

namespace wherry::node {

// Runs a container of a built-in module through the shim, by containerd, and looks at its exit code. It needs no
// image: its root file system is a directory below `directory`. Whatever an earlier, killed trial left is removed first.
Result<void> run_trial(const Client& client, const std::string& shim, const std::string& directory);

// Removes what a killed trial has left, if it has, until `gone` says that its shim has ended, or for some seconds.
void clean_trial(const Client& client, const std::string& directory, const std::function<bool()>& gone);

}  // namespace wherry::node
