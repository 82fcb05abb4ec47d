// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "sandbox/entrypoint.h"
#include "shim/image/wasm_layer.h"
#include "wasm/features.h"

namespace wherry::shim {

// A module ready to run.
struct Module {
  UniqueFd artifact;
  bool cached = false;
};

// Where containers get their modules from. Any thread may use it.
class ModuleSource {
 public:
  virtual ~ModuleSource() = default;

  // Compiles it, or finds it in the cache.
  virtual Result<Module> prepare(const sandbox::Entrypoint& entrypoint, wasm::FeatureSet features) = 0;

  // The module that is a layer of the container's image; nothing if there is none.
  virtual Result<std::optional<WasmLayer>> find_layer(const std::string& container, std::string_view program) = 0;
  virtual Result<Module> prepare(const WasmLayer& layer, wasm::FeatureSet features) = 0;
};

}  // namespace wherry::shim
