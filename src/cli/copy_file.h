// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace wherry::cli {

// Copies all of a file; `path` appears when it is complete, or not at all.
Result<void> copy_file(int from, const std::string& path);

}  // namespace wherry::cli
