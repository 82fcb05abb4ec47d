// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.h"

namespace wherry::label {

// wherry-label's only one.
extern const cli::Command kLabel;

}  // namespace wherry::label
