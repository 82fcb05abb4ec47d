// SPDX-License-Identifier: Apache-2.0
#include "runtime/extern.h"

namespace wherry::runtime {

wasm::ExternKind kind_of(const Extern& item) {
  switch (item.index()) {
    case 0:
    case 1: return wasm::ExternKind::func;
    case 2: return wasm::ExternKind::table;
    case 3: return wasm::ExternKind::memory;
    default: return wasm::ExternKind::global;
  }
}

bool limits_match(uint64_t size, const std::optional<uint64_t>& actual_max, const wasm::Limits& wanted) {
  if (size < wanted.min) return false;
  return !wanted.max || (actual_max && *actual_max <= *wanted.max);
}

bool type_matches(wasm::ValType actual, wasm::ValType wanted) {
  if (actual == wanted) return true;
  return actual.is_ref() && wanted.is_ref() && actual.heap() == wanted.heap() && wanted.nullable();
}

}  // namespace wherry::runtime
