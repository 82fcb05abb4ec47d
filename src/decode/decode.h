// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wasm/features.h"
#include "wasm/module.h"

namespace wherry::decode {

// The module in these bytes, as views into them. Function bodies are not read:
// what is malformed in them finds the validator. Errors are
//   malformed    with the test suite's words first and the offset;
//   unsupported  for what needs a feature that is not in `features`, for a
//                component, and for what exceeds wasm/limits.h.
// spec: binary-module
Result<wasm::Module> decode(std::span<const uint8_t> binary, wasm::FeatureSet features = wasm::FeatureSet::defaults());

}  // namespace wherry::decode
