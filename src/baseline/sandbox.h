// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

namespace wherry::baseline {

// Gives up everything that compiling does not need: from now on this process can
// read and write the descriptors it has, allocate, start threads and end.
Result<void> lock_down();

}  // namespace wherry::baseline
