// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/command.h"

namespace wherry::cli {

// At most 24 lines each.
std::string help_of(const Command& command);
std::string help_of_all();
std::string help_of_features();

}  // namespace wherry::cli
