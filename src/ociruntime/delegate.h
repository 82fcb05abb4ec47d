// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "ociruntime/options.h"

namespace wherry::ociruntime {

// Containers of native programs are the node's runc's, with a root of their own
// below ours, so that one runtime serves both.

bool is_delegated(const GlobalOptions& global, const std::string& id);
std::vector<std::string> delegated_ids(const GlobalOptions& global);

// Executes runc (or crun) in place of this process with the command's own words.
// Returns only if there is none.
Error delegate(const GlobalOptions& global, const std::vector<std::string>& words);

}  // namespace wherry::ociruntime
