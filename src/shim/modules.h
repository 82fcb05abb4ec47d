// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "shim/task/container.h"

namespace wherry::shim {

// The engine's cache and compiler as containers use them: opened on the first
// use, so that a pod's pause container costs nothing. cache_directory as in
// engine::CacheConfig.
std::function<Result<Module>(const sandbox::Entrypoint&, wasm::FeatureSet)> module_source(const sandbox::CgroupHost& cgroups, const Log& log,
                                                                        std::string cache_directory);

}  // namespace wherry::shim
