// SPDX-License-Identifier: Apache-2.0
#include "wasm/type_reader.h"

#include "wasm/limits.h"

namespace wherry::wasm {
namespace {

enum : uint8_t { kRef = 0x64, kRefNull = 0x63, kEmptyBlock = 0x40 };

// By the type's byte, from 0x69 (exn) to 0x74 (noexn).
constexpr AbstractHeap kAbstractHeaps[] = {
    AbstractHeap::exn,    AbstractHeap::array, AbstractHeap::struct_, AbstractHeap::i31,      AbstractHeap::eq,     AbstractHeap::any,
    AbstractHeap::extern_, AbstractHeap::func,  AbstractHeap::none,    AbstractHeap::noextern, AbstractHeap::nofunc, AbstractHeap::noexn};
constexpr uint8_t kFirstHeap = 0x69;

constexpr bool is_abstract_heap(uint8_t byte) { return byte >= kFirstHeap && byte < kFirstHeap + std::size(kAbstractHeaps); }
constexpr AbstractHeap abstract_heap(uint8_t byte) { return kAbstractHeaps[byte - kFirstHeap]; }

}  // namespace

template <Input input>
HeapType read_heap_type(ByteCursor<input>& in) {
  const uint8_t* const start = in.position();
  const int64_t code = in.template sN<33>();
  if (code >= 0) {
    if (code < kMaxTypes) return HeapType(TypeIndex(static_cast<uint32_t>(code)));
    in.fail("unknown type", start);
    return {};
  }
  const uint8_t byte = static_cast<uint8_t>(code & 0x7f);
  if (code >= -64 && is_abstract_heap(byte)) return abstract_heap(byte);
  in.fail("malformed heap type", start);
  return {};
}

template <Input input>
ValType read_value_type(ByteCursor<input>& in) {
  const uint8_t* const start = in.position();
  const uint8_t byte = in.byte();
  switch (byte) {
    case 0x7f: return kI32;
    case 0x7e: return kI64;
    case 0x7d: return kF32;
    case 0x7c: return kF64;
    case 0x7b: return kV128;
    case kRef: return ValType::ref(read_heap_type(in), false);
    case kRefNull: return ValType::ref(read_heap_type(in), true);
    default: break;
  }
  if (is_abstract_heap(byte)) return ValType::ref(abstract_heap(byte), true);
  in.fail("malformed value type", start);
  return {};
}

template <Input input>
ValType read_reference_type(ByteCursor<input>& in) {
  const uint8_t* const start = in.position();
  const ValType type = read_value_type(in);
  if (type.is_ref()) return type;
  in.fail("malformed reference type", start);
  return kFuncref;
}

template <Input input>
BlockType read_block_type(ByteCursor<input>& in) {
  if (in.at_end()) return in.byte(), BlockType{};
  const uint8_t byte = *in.position();
  if (byte == kEmptyBlock) return in.byte(), BlockType{};
  if (byte > kEmptyBlock && byte < 0x80) return {BlockType::Kind::value, read_value_type(in).bits()};
  const uint8_t* const start = in.position();
  const int64_t index = in.template sN<33>();
  if (index < 0) in.fail("malformed block type", start);
  return {BlockType::Kind::function, static_cast<uint32_t>(index)};
}

template HeapType read_heap_type(ByteCursor<Input::untrusted>&);
template HeapType read_heap_type(ByteCursor<Input::trusted>&);
template ValType read_value_type(ByteCursor<Input::untrusted>&);
template ValType read_value_type(ByteCursor<Input::trusted>&);
template ValType read_reference_type(ByteCursor<Input::untrusted>&);
template ValType read_reference_type(ByteCursor<Input::trusted>&);
template BlockType read_block_type(ByteCursor<Input::untrusted>&);
template BlockType read_block_type(ByteCursor<Input::trusted>&);

Feature feature_of(ValType type) {
  if (type == kV128) return Feature::simd;
  if (!type.is_ref()) return Feature::mvp;
  if (type == kFuncref || type == kExternref) return Feature::reference_types;
  const HeapType heap = type.heap();
  if (heap.is_index()) return Feature::function_references;
  switch (heap.abstract()) {
    case AbstractHeap::func:
    case AbstractHeap::extern_: return Feature::function_references;
    case AbstractHeap::exn:
    case AbstractHeap::noexn: return Feature::exceptions;
    default: return Feature::gc;
  }
}

}  // namespace wherry::wasm
