// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace wherry::shim {

// `-info`: prints a RuntimeInfo, which says what this runtime can do.
int print_info();

// `-v`
int print_version();

}  // namespace wherry::shim
