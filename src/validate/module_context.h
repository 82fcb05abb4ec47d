// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <vector>

#include "wasm/features.h"
#include "wasm/module.h"
#include "wasm/opcode.h"

namespace wherry::validate {

// What the validation of instructions needs to know of their module. Made by
// validate_module, read by any number of threads.  spec: context
struct ModuleContext {
  ModuleContext(const wasm::Module& m, wasm::FeatureSet f);

  const wasm::Module& module;
  wasm::FeatureSet features;
  // Of instructions, by opcode.
  std::array<bool, wasm::kOpcodeCount> enabled;
  // Functions that ref.func may name: those that occur outside of the bodies.
  std::vector<bool> declared_functions;
};

}  // namespace wherry::validate
