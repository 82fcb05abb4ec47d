// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "wasm/features.h"

namespace wherry::cli {

// What a file of WebAssembly is, wants and offers, as `wherry inspect` shows it.
struct ModuleReport {
  struct Item {
    std::string name;
    std::string type;     // "func (i32) -> i32", "memory 2..16 pages"
    std::string missing;  // of an import: why the host does not have it; empty if it does
  };
  struct Interface {
    std::string module;
    std::vector<Item> items;
  };
  struct Sizes {
    uint64_t file = 0, code = 0, data = 0, custom = 0;
  };

  bool component = false;
  std::string name;  // from the name section
  Sizes sizes;
  uint64_t functions = 0;  // its own
  std::vector<Interface> imports;
  std::vector<Item> exports;
  std::vector<std::string> memories;
  std::vector<std::string> tables;
  wasm::FeatureSet features;         // used
  std::vector<std::string> missing;  // why it does not run here; empty if it does
};

// Core modules and components; what else the bytes may be is an error.
Result<ModuleReport> examine(std::span<const uint8_t> binary);

std::string to_text(const ModuleReport& report, const std::string& name);
std::string to_json(const ModuleReport& report, const std::string& name);

}  // namespace wherry::cli
