// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "abi/compiler_protocol.h"
#include "base/result.h"
#include "baseline/progress.h"

namespace wherry::baseline {

struct JobResult {
  uint64_t functions = 0;
  uint64_t body_bytes = 0;   // of the functions in the module
  uint64_t code_size = 0;
  uint64_t artifact_size = 0;
  uint64_t validate_ns = 0;
  uint64_t compile_ns = 0;
};

// Bytes of a module to an artifact in `artifact_fd`, as the request says.
Result<JobResult> compile_job(std::span<const uint8_t> module, const abi::CompileRequest& request, int artifact_fd,
                              Progress* progress = nullptr);

// All of a regular file, in memory of our own: others may be able to write to it.
Result<std::vector<uint8_t>> read_module(int fd);

}  // namespace wherry::baseline
