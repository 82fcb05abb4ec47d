// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "wasm/features.h"
#include "wasm/module.h"

namespace wherry::cli {

// The features that the module's types, definitions and instructions need.
// Fails for code that can not be read.
Result<wasm::FeatureSet> used_features(const wasm::Module& module);

}  // namespace wherry::cli
