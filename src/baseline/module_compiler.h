// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "abi/artifact_writer.h"
#include "base/result.h"
#include "baseline/code_chunk.h"
#include "baseline/environment.h"
#include "baseline/progress.h"
#include "validate/validate.h"

namespace wherry::baseline {

// Everything that a module's functions became; abi::write_artifact takes `code`,
// whose pieces are views of this object.
struct CompiledModule {
  std::vector<CodeChunk> chunks;
  std::vector<uint8_t> tail;  // static tables, stubs
  abi::CompiledCode code;
  uint64_t code_size = 0;
  uint64_t validate_ns = 0;   // processor time
  uint64_t compile_ns = 0;
};

// Validates and compiles all functions of a module whose rest was validated, on
// options.threads threads. The result does not depend on their number.
//
Result<std::unique_ptr<CompiledModule>> compile_module(const wasm::Module& module, const validate::ModuleContext& context,
                                                       const Options& options, Progress* progress = nullptr);

}  // namespace wherry::baseline
