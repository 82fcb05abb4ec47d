// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "abi/artifact.h"
#include "abi/context.h"
#include "wasm/features.h"
#include "wasm/module.h"

namespace wherry::baseline {

struct Options {
  bool explicit_bounds_checks = false;  // no guard pages: compare every address
  bool dirty_upper_bits = false;        // test: fill what the convention leaves undefined
  uint64_t cpu_features = 0;            // bits of abi/cpu.h that may be used
  unsigned threads = 1;
  wasm::FeatureSet features = wasm::FeatureSet::defaults();
};

// A table that nothing but its active segments ever changes and nobody else
// sees: calls through it use a read-only copy beside the code.
struct StaticTable {
  bool is_static = false;
  std::vector<uint32_t> functions;  // by element; abi::kNone: null
};

// What all functions of a module are compiled against; constant while they are.
struct Environment {
  Environment(const wasm::Module& module, const Options& options);

  const wasm::Module& module;
  Options options;
  std::vector<uint32_t> canonical;        // by type: the first equal one
  std::vector<StaticTable> static_tables; // by table
  bool vector_types;                      // a v128 may come from a call, global or local
  std::vector<uint32_t> escaping;         // functions with a FuncRef in the context, ascending
  abi::ContextLayout layout;

  // The place of an escaping function's FuncRef in the context.
  std::optional<uint32_t> func_ref_offset(uint32_t function) const;
  // The table is not static after all; abi::kNone: none is.
  void revoke_static_table(uint32_t table);
};

}  // namespace wherry::baseline
