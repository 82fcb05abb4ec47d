// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "baseline/module_compiler.h"

namespace wherry::baseline {

// Puts the chunks one behind the other, appends what they share and resolves what
// they refer to, so that no relocation is left.
Result<void> link(const Environment& environment, CompiledModule& module);

}  // namespace wherry::baseline
