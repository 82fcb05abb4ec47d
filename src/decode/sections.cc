// SPDX-License-Identifier: Apache-2.0
#include "decode/sections.h"

#include "decode/types.h"
#include "wasm/limits.h"

namespace wherry::decode {
namespace {

// The number of things that a section defines; with those imported before they
// may be at most `limit`. Room for them is made in `space`.
template <class T>
Result<uint32_t> definitions(Reader& in, std::vector<T>& space, uint32_t limit, const char* what) {
  const uint64_t start = in.offset();
  const uint32_t count = TRY(in.count(limit, what));
  if (count > limit - std::min<size_t>(limit, space.size()))
    return error(ErrorKind::unsupported, "too many " + std::string(what) + ": more than " + std::to_string(limit), start);
  space.reserve(space.size() + in.room(count));
  return count;
}

}  // namespace

// spec: binary-typesec
Result<void> type_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(definitions(in, module.types, wasm::kMaxTypes, "types"));
  for (uint32_t i = 0; i < count; ++i) module.types.push_back(TRY(func_type(in)));
  return {};
}

// spec: binary-funcsec
Result<void> function_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(definitions(in, module.functions, wasm::kMaxFunctions, "functions"));
  for (uint32_t i = 0; i < count; ++i) module.functions.push_back(TRY(type_index(in)));
  return {};
}

// spec: binary-tablesec
Result<void> table_section(Reader& in, wasm::Module& module) {
  enum : uint8_t { kWithInit = 0x40 };
  const uint32_t count = TRY(definitions(in, module.tables, wasm::kMaxTables, "tables"));
  for (uint32_t i = 0; i < count; ++i) {
    Reader ahead = in;
    const bool with_init = TRY(ahead.byte()) == kWithInit;
    wasm::Table table;
    if (with_init) {
      TRY(in.require(wasm::Feature::function_references, in.offset()));
      TRY(in.byte());
      if (TRY(in.byte()) != 0) return in.fail("zero byte expected");
    }
    table.type = TRY(table_type(in));
    if (with_init) table.init = TRY(in.const_expr());
    module.tables.push_back(std::move(table));
  }
  return {};
}

// spec: binary-memsec
Result<void> memory_section(Reader& in, wasm::Module& module) {
  const uint64_t start = in.offset();
  const uint32_t count = TRY(definitions(in, module.memories, wasm::kMaxMemories, "memories"));
  for (uint32_t i = 0; i < count; ++i) module.memories.push_back(TRY(memory_type(in)));
  if (module.memories.size() > 1) TRY(in.require(wasm::Feature::multi_memory, start));
  return {};
}

// spec: binary-tagsec
Result<void> tag_section(Reader& in, wasm::Module& module) {
  TRY(in.require(wasm::Feature::exceptions, in.offset()));
  const uint32_t count = TRY(definitions(in, module.tags, wasm::kMaxTags, "tags"));
  for (uint32_t i = 0; i < count; ++i) module.tags.push_back(TRY(tag_type(in)));
  return {};
}

// spec: binary-globalsec
Result<void> global_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(definitions(in, module.globals, wasm::kMaxGlobals, "globals"));
  for (uint32_t i = 0; i < count; ++i) {
    const wasm::GlobalType type = TRY(global_type(in));
    module.globals.push_back({type, TRY(in.const_expr())});
  }
  return {};
}

// spec: binary-exportsec
Result<void> export_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(definitions(in, module.exports, wasm::kMaxExports, "exports"));
  for (uint32_t i = 0; i < count; ++i) {
    const std::string_view name = TRY(in.name());
    const uint64_t start = in.offset();
    const uint8_t kind = TRY(in.byte());
    if (kind > static_cast<uint8_t>(wasm::ExternKind::tag)) return in.fail_at(start, "malformed export kind");
    module.exports.push_back({name, static_cast<wasm::ExternKind>(kind), TRY(in.u32())});
  }
  return {};
}

// spec: binary-startsec
Result<void> start_section(Reader& in, wasm::Module& module) {
  module.start = wasm::FuncIndex(TRY(in.u32()));
  return {};
}

// spec: binary-datacountsec
Result<void> data_count_section(Reader& in, wasm::Module& module) {
  module.data_count = TRY(in.count(wasm::kMaxDataSegments, "data segments"));
  return {};
}

}  // namespace wherry::decode
