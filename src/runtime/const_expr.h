// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "abi/context.h"

namespace wherry::runtime {

class Instance;

// The value of a constant expression in the binary format, which a validator has
// passed. Reads globals and makes function references of the instance.
//
// spec: valid-constant, exec-expr
abi::Value evaluate(Instance& instance, std::span<const uint8_t> expression);

}  // namespace wherry::runtime
