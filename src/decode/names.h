// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "wasm/module.h"

namespace wherry::decode {

// What the "name" section says; views into the module's binary.
struct Names {
  std::string_view module;
  std::vector<std::string_view> functions;  // by FuncIndex, empty views for those without; may be empty
};

// Names are a service to the reader of a backtrace: what is malformed in them
// is left out and no error.  spec: binary-namesec
Names names(const wasm::Module& module);

}  // namespace wherry::decode
