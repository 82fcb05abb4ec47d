// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "abi/context.h"
#include "wasm/types.h"

// The suite's way to write values (json-from-wast).
namespace wherry::spec {

// An argument; a reference to a host object n is n + 1, so that none is null.
abi::Value parse_value(const nlohmann::json& json);

// Whether `actual`, of type `type`, is what the suite expects: a value, a NaN
// pattern, any reference of a kind, or one of several.
bool matches(const nlohmann::json& expected, const abi::Value& actual, wasm::ValType type);

std::string to_text(const abi::Value& value, wasm::ValType type);

}  // namespace wherry::spec
