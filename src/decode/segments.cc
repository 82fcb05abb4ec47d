// SPDX-License-Identifier: Apache-2.0
#include "decode/sections.h"
#include "wasm/limits.h"

namespace wherry::decode {
namespace {

// Bits of an element segment's first number; the second means "declarative"
// without an offset and "explicit table" with one.
enum : uint32_t { kNotActive = 1, kExplicit = 2, kExpressions = 4 };

// The elements' type: a reference type before expressions, a kind before indices.
Result<wasm::ValType> element_type(Reader& in, uint32_t flags) {
  if (!(flags & (kNotActive | kExplicit))) return wasm::kFuncref;
  if (flags & kExpressions) return in.reference_type();
  const uint64_t start = in.offset();
  if (TRY(in.byte()) != 0) return in.fail_at(start, "malformed element kind");
  return wasm::kFuncref;
}

// spec: binary-elem
Result<wasm::Elem> elem(Reader& in) {
  const uint64_t start = in.offset();
  const uint32_t flags = TRY(in.u32());
  if (flags > (kNotActive | kExplicit | kExpressions)) return in.fail_at(start, "malformed elements segment kind");

  wasm::Elem segment;
  segment.mode = !(flags & kNotActive) ? wasm::Elem::Mode::active : flags & kExplicit ? wasm::Elem::Mode::declarative : wasm::Elem::Mode::passive;
  if (segment.mode == wasm::Elem::Mode::active) {
    if (flags & kExplicit) segment.table = wasm::TableIndex(TRY(in.u32()));
    segment.offset = TRY(in.const_expr());
  }
  segment.type = TRY(element_type(in, flags));

  const uint32_t count = TRY(in.count(wasm::kMaxTableSize, "elements"));
  if (flags & kExpressions) {
    segment.expressions.reserve(in.room(count, 2));
    for (uint32_t i = 0; i < count; ++i) segment.expressions.push_back(TRY(in.const_expr()));
  } else {
    segment.functions.reserve(in.room(count));
    for (uint32_t i = 0; i < count; ++i) segment.functions.push_back(wasm::FuncIndex(TRY(in.u32())));
  }
  return segment;
}

// spec: binary-data
Result<wasm::Data> data(Reader& in) {
  enum : uint32_t { kPassive = 1, kExplicitMemory = 2 };
  const uint64_t start = in.offset();
  const uint32_t flags = TRY(in.u32());
  if (flags > kExplicitMemory) return in.fail_at(start, "malformed data segment kind");
  wasm::Data segment{};
  segment.active = flags != kPassive;
  if (flags == kExplicitMemory) segment.memory = wasm::MemoryIndex(TRY(in.u32()));
  if (segment.active) segment.offset = TRY(in.const_expr());
  segment.init = TRY(in.bytes(TRY(in.u32())));
  return segment;
}

}  // namespace

// spec: binary-elemsec
Result<void> elem_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(in.count(wasm::kMaxElemSegments, "element segments"));
  module.elems.reserve(in.room(count, 3));
  for (uint32_t i = 0; i < count; ++i) module.elems.push_back(TRY(elem(in)));
  return {};
}

// spec: binary-datasec
Result<void> data_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(in.count(wasm::kMaxDataSegments, "data segments"));
  module.datas.reserve(in.room(count, 2));
  for (uint32_t i = 0; i < count; ++i) module.datas.push_back(TRY(data(in)));
  return {};
}

}  // namespace wherry::decode
