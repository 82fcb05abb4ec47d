// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace wherry::cli {

// The names at a component's outermost level: "wasi:http/types@0.2.0".
struct ComponentNames {
  std::vector<std::string> imports;
  std::vector<std::string> exports;
};

bool is_component(std::span<const uint8_t> binary);

// Reads no more of a component than these names; what it can not read ends the list.
ComponentNames component_names(std::span<const uint8_t> binary);

}  // namespace wherry::cli
