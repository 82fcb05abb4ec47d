// SPDX-License-Identifier: Apache-2.0
#include "decode/sections.h"
#include "decode/types.h"
#include "wasm/limits.h"

namespace wherry::decode {
namespace {

// Reads an import's type and gives it its place in the index space.
Result<void> import_desc(Reader& in, wasm::Module& module, wasm::Import& import) {
  const uint64_t start = in.offset();
  switch (TRY(in.byte())) {
    case 0: {
      const wasm::TypeIndex type = TRY(type_index(in));
      import.type = type;
      module.functions.push_back(type);
      ++module.imported_functions;
      return {};
    }
    case 1: {
      const wasm::TableType type = TRY(table_type(in));
      import.type = type;
      module.tables.push_back({type, std::nullopt});
      ++module.imported_tables;
      return {};
    }
    case 2: {
      const wasm::MemoryType type = TRY(memory_type(in));
      import.type = type;
      module.memories.push_back(type);
      ++module.imported_memories;
      return {};
    }
    case 3: {
      const wasm::GlobalType type = TRY(global_type(in));
      import.type = type;
      module.globals.push_back({type, {}});
      ++module.imported_globals;
      return {};
    }
    case 4: {
      TRY(in.require(wasm::Feature::exceptions, start));
      const wasm::TypeIndex type = TRY(tag_type(in));
      import.type = type;
      import.is_tag = true;
      module.tags.push_back(type);
      ++module.imported_tags;
      return {};
    }
    default: return in.fail_at(start, "malformed import kind");
  }
}

}  // namespace

// spec: binary-importsec
Result<void> import_section(Reader& in, wasm::Module& module) {
  const uint32_t count = TRY(in.count(wasm::kMaxImports, "imports"));
  module.imports.reserve(in.room(count, 4));
  for (uint32_t i = 0; i < count; ++i) {
    wasm::Import import;
    import.offset = in.offset();
    import.module = TRY(in.name());
    import.name = TRY(in.name());
    TRY(import_desc(in, module, import));
    module.imports.push_back(std::move(import));
  }
  if (module.memories.size() > 1) TRY(in.require(wasm::Feature::multi_memory, in.offset()));
  return {};
}

}  // namespace wherry::decode
