// SPDX-License-Identifier: Apache-2.0
#include "validate/module_context.h"

namespace wherry::validate {

ModuleContext::ModuleContext(const wasm::Module& m, wasm::FeatureSet f)
    : module(m), features(f), declared_functions(m.functions.size()) {
  for (size_t i = 0; i < wasm::kOpcodeCount; ++i) enabled[i] = f.contains(wasm::kOpcodes[i].feature);
}

}  // namespace wherry::validate
