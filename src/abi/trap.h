// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace wherry {

// Why a guest stopped. Carried by Result<T, Trap> in host code, and by the trap
// table and a signal in compiled code; never for bad input or our own bugs.
enum class Trap : uint8_t {
#define TRAP(name, text) name,
#include "abi/trap.def"
#undef TRAP
};

// The test suite's words, for instance "out of bounds memory access".
const char* to_string(Trap trap);

}  // namespace wherry
