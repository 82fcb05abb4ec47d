// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "abi/artifact.h"
#include "base/result.h"
#include "wasm/module.h"

namespace wherry::abi {

// What a compiler made of a module's functions.
struct CompiledCode {
  std::vector<std::span<const uint8_t>> pieces;  // the code, in order, already linked
  std::vector<uint32_t> starts;                  // of the defined functions
  std::vector<uint32_t> entries;
  uint32_t functions_end = 0;                    // what follows the last function is data
  std::vector<TrapEntry> traps;
  std::vector<LineEntry> lines;
  std::vector<uint32_t> escaping;
  std::vector<uint32_t> canonical;
  std::vector<bool> static_tables;               // by table
};

struct ArtifactInfo {
  Key key{};
  std::array<uint8_t, 32> module_digest{};
  uint64_t features_used = 0;
  uint64_t cpu_features = 0;
  uint32_t flags = 0;                                 // HeaderFlags
  std::span<const std::string_view> function_names;   // by FuncIndex; may be shorter
};

// Writes the artifact of a module to an empty regular file. Returns its size.
Result<uint64_t> write_artifact(int fd, const wasm::Module& module, const CompiledCode& code, const ArtifactInfo& info);

}  // namespace wherry::abi
