// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wasm/types.h"

namespace wherry::validate {

// The type of an operand in unreachable code: any type will do.  spec: syntax-bottom
inline constexpr wasm::ValType kBottom = wasm::ValType::from_bits(~uint32_t{0});

bool is_heap_subtype(wasm::HeapType sub, wasm::HeapType super);
bool is_reference_subtype(wasm::ValType sub, wasm::ValType super);

// spec: match-valtype
inline bool is_subtype(wasm::ValType sub, wasm::ValType super) {
  return sub == super || sub == kBottom || (sub.is_ref() && super.is_ref() && is_reference_subtype(sub, super));
}

}  // namespace wherry::validate
