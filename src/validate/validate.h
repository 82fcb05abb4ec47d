// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "validate/module_context.h"
#include "wasm/features.h"
#include "wasm/module.h"

namespace wherry::validate {

class FunctionBody;

// Everything but the function bodies; the context is what those are validated
// in. It refers to the module.  spec: valid-module
Result<std::unique_ptr<const ModuleContext>> validate_module(const wasm::Module& module, wasm::FeatureSet features);

// Validates function bodies one after the other with the same buffers. Any
// number of them can work on one context, one thread each.  spec: valid-func
class FunctionValidator {
 public:
  explicit FunctionValidator(const ModuleContext& context);
  ~FunctionValidator();

  // The n-th of the module's own functions. An error is ErrorKind::malformed,
  // invalid or unsupported, with its offset in the module.
  Result<void> validate(uint32_t defined_function);

 private:
  std::unique_ptr<FunctionBody> body_;
};

// All of it on this thread.
Result<void> validate(const wasm::Module& module, wasm::FeatureSet features = wasm::FeatureSet::defaults());

}  // namespace wherry::validate
