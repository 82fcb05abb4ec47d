// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/leb128.h"
#include "wasm/features.h"
#include "wasm/types.h"

namespace wherry::wasm {

// The type of a block: nothing, one result, or a function type.  spec: syntax-blocktype
struct BlockType {
  enum class Kind : uint8_t { empty, value, function };
  Kind kind = Kind::empty;
  uint32_t bits = 0;

  ValType value() const { return ValType::from_bits(bits); }
  TypeIndex type() const { return TypeIndex(bits); }
};

// These read one type of the binary format; failures stay in the cursor. All
// forms of 3.0 are read: what a type needs says feature_of.
template <Input input>
HeapType read_heap_type(ByteCursor<input>& in);  // spec: binary-heaptype
template <Input input>
ValType read_value_type(ByteCursor<input>& in);  // spec: binary-valtype
template <Input input>
ValType read_reference_type(ByteCursor<input>& in);  // spec: binary-reftype
template <Input input>
BlockType read_block_type(ByteCursor<input>& in);  // spec: binary-blocktype

// The feature without which a module can not have this type.
Feature feature_of(ValType type);

}  // namespace wherry::wasm
