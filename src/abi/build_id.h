// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/compiler_protocol.h"

namespace wherry::abi {

// Of the sources that decide what an artifact is, and the C++ compiler: two
// programs with the same one understand each other's artifacts.
BuildId build_id();

}  // namespace wherry::abi
