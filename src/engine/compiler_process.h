// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "abi/compiler_protocol.h"
#include "base/result.h"
#include "engine/cache.h"

namespace wherry::engine {

// Called while a module is compiled: bytes of function bodies, done <= total.
using TellProgress = std::function<void(uint64_t done, uint64_t total)>;

// Runs one compiler process from start to end: module in, artifact out
// (abi/compiler_protocol.h), within the limits. Whatever happens, the process is
// gone when this returns.
//
// Errors: what the compiler said about the module (with its offset); unavailable
// or exhausted if the process failed, in words for the user.
Result<abi::CompileReply> run_compiler(const CacheConfig& config, const abi::CompileRequest& request, int module_fd,
                                       int artifact_fd, const TellProgress& tell);

}  // namespace wherry::engine
