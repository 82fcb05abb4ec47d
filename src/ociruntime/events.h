// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "ociruntime/options.h"

namespace wherry::ociruntime {

// A duration as runc's --interval has it: "5s", "500ms", "1m". Above zero.
Result<std::chrono::milliseconds> parse_interval(const std::string& text);

// Prints a container's counters on standard output once (--stats), or at each
// interval, with a line when its memory ran out, until it ends.
Result<void> events(const GlobalOptions& global, const CommandOptions& options, const std::string& id);

}  // namespace wherry::ociruntime
