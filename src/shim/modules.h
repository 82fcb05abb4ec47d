// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "shim/task/container.h"

namespace wherry::shim {

// The engine's cache and compiler as containers use them: opened on the first
// use, so that a pod's pause container costs nothing.
std::function<Result<Module>(const sandbox::Entrypoint&)> module_source(const sandbox::CgroupHost& cgroups, const Log& log);

}  // namespace wherry::shim
