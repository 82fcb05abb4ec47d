// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "abi/context.h"
#include "base/result.h"
#include "wasm/types.h"

namespace wherry::wasi {

// The arguments of a function called by name, from the command line: decimal or
// 0x numbers, signed or not.
Result<std::vector<abi::Value>> parse_arguments(const wasm::FuncType& type, std::span<const std::string> texts);

// A result in words: integers signed and decimal, floats as short as they can be.
std::string format_value(wasm::ValType type, const abi::Value& value);

}  // namespace wherry::wasi
