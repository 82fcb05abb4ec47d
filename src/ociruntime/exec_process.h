// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ociruntime/options.h"

namespace wherry::ociruntime {

// The `process` object of an exec: what the file of --process says, or that of the
// container with what the options and the command line change. `spec_json` is one that
// sandbox::parse_spec takes.
Result<std::string> exec_process(std::string_view spec_json, const CommandOptions& options, std::span<const std::string> command);

}  // namespace wherry::ociruntime
