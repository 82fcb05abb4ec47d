// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "ociruntime/options.h"

namespace wherry::ociruntime {

// Another process in a container, on the container's terms: its settings, the page
// that limits its memory, its counters. Returns the process's exit code; 0 as soon as
// it runs if it is detached, whose parent is then whoever is the subreaper above us.
Result<int> exec(const GlobalOptions& global, const CommandOptions& options, const std::string& id, std::span<const std::string> command);

}  // namespace wherry::ociruntime
