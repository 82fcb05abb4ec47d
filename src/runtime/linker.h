// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/extern.h"

namespace wherry::runtime {

class Instance;
struct ImportType;

// What instances may import. Found by (module, name, type): one name may have
// several definitions of different types, and the first one that matches is taken.
class Linker {
 public:
  void define(std::string_view module, std::string_view name, Extern item);
  // Shorthand for a host function.
  void define(std::string_view module, std::string_view name, const wasm::FuncType& type, HostFunction::Body body,
              void* data);
  // All exports of an instance, in place of what the module name had before.
  void define_instance(std::string_view module, Instance& instance);

  // "unknown import ..." or "incompatible import type ...".
  Result<Extern> find(const ImportType& wanted) const;

 private:
  using Names = std::unordered_map<std::string, std::vector<Extern>>;
  std::unordered_map<std::string, Names> modules_;
};

}  // namespace wherry::runtime
