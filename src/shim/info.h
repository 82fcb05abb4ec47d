// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wherry::shim {

// `-info`: prints a RuntimeInfo, which says what this runtime can do.
int print_info();

// `-v`
int print_version();

// runtime-spec: features.md, as JSON.
std::string features();
const char* version();

}  // namespace wherry::shim
