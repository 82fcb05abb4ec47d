// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "wasm/types.h"

namespace wherry::cli {

// Why a module that imports this function can not be run: "" if the host has it
// with this type.
std::string missing_function(std::string_view module, std::string_view name, const wasm::FuncType& type);

}  // namespace wherry::cli
