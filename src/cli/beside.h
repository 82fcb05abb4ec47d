// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace wherry::cli {

// Executes another program of Wherry's in place of this one, with the words after
// its name: from the directory where this program is, or ../libexec/wherry from
// there. Returns only if it can not be.
Error execute_beside(const std::string& program, std::span<char* const> words);

}  // namespace wherry::cli
