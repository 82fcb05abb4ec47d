// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.h"

namespace wherry::registry {

extern const cli::Command kPush, kPull;

}  // namespace wherry::registry
