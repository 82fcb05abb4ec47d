// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sandbox/entrypoint.h"
#include "shim/task/module_source.h"

namespace wherry::ociruntime {

// A module's artifact from the cache (of WHERRY_CACHE, or the usual one), or compiled now.
Result<shim::Module> prepare_module(const std::string& container, const sandbox::Entrypoint& program, wasm::FeatureSet features);

}  // namespace wherry::ociruntime
