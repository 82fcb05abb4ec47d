// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/containerd_config.h"
#include "node/daemon.h"

namespace wherry::node {

// Replaces a file of configuration where it really is, if it is a link, with its owner and mode; a new one is root's and
// readable by all. nullopt removes it. A link into nothing is refused.
Result<void> write_config(const std::string& path, const std::optional<std::string>& content);

// Removes what a killed write_config has left.
Result<void> clean_config(const std::string& path);

// What a daemon's program makes of a configuration, imports included; nothing if it can not be asked, because there is no
// such program.
Result<std::optional<ContainerdConfig>> effective_config(const Daemon& daemon, const std::string& config);
// The names of Kubernetes' handlers in that.
Result<std::vector<std::string>> effective_handlers(const Daemon& daemon, const std::string& config);

}  // namespace wherry::node
