// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>

#include "abi/convention.h"
#include "wasm/module.h"

namespace wherry::baseline {

// The call layouts of the types that are called or defined, each made once. One
// thread's: a module may have many more types than it uses.
class CallLayouts {
 public:
  explicit CallLayouts(const wasm::Module& module) : module_(module) {}

  // Valid as long as this object.
  const abi::CallLayout& of(uint32_t type) {
    std::unique_ptr<abi::CallLayout>& layout = layouts_[type];
    if (!layout) layout = std::make_unique<abi::CallLayout>(module_.types[type]);
    return *layout;
  }

 private:
  const wasm::Module& module_;
  std::unordered_map<uint32_t, std::unique_ptr<abi::CallLayout>> layouts_;
};

}  // namespace wherry::baseline
