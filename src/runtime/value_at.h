// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "abi/context.h"
#include "wasm/types.h"

namespace wherry::runtime {

// A value that compiled code left at `from`. Bits beyond its size are undefined
// there and zero for the host.
inline abi::Value value_at(const void* from, wasm::ValType type) {
  abi::Value value{};
  switch (type.kind()) {
    case wasm::ValType::Kind::i32:
    case wasm::ValType::Kind::f32: memcpy(&value, from, 4); break;
    case wasm::ValType::Kind::v128: memcpy(&value, from, 16); break;
    default: memcpy(&value, from, 8); break;
  }
  return value;
}

}  // namespace wherry::runtime
