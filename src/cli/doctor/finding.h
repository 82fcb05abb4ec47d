// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "engine/cache.h"
#include "node/finding.h"

namespace wherry::cli {

using node::Finding;
using node::Findings;

// What the sandbox and the engine need of the kernel and the processor.
std::vector<Finding> check_kernel();
std::vector<Finding> check_cgroups(const std::string& root);
// The daemon that runs here or else the one on PATH; `config` "" means the
// daemon's own or the default file.
std::vector<Finding> check_containerd(const std::string& config);
std::vector<Finding> check_cache(engine::CacheConfig config);
// The node's file of settings; "" is the usual one.
std::vector<Finding> check_settings(const std::string& file);

}  // namespace wherry::cli
