// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace wherry::bench {

// wasmtime in this process, by its C API out of a shared library that somebody
// installed: instances from its pool, with pages kept resident.
class WasmtimePeer {
 public:
  static Result<std::unique_ptr<WasmtimePeer>> create(const std::string& library, std::span<const uint8_t> module,
                                                      const std::string& function);
  virtual ~WasmtimePeer() = default;

  // Store, instance, call of the function, drop.
  virtual void cycle() = 0;
};

}  // namespace wherry::bench
