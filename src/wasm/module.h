// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "wasm/types.h"

namespace wherry::wasm {

// Bytes of the module's binary and where they stand in it.
struct Bytes {
  std::span<const uint8_t> bytes;
  uint64_t offset = 0;
};

// The instructions of a constant expression, with the final `end`.
using ConstExpr = Bytes;

enum class ExternKind : uint8_t { func, table, memory, global, tag };

// spec: syntax-import. A function's or tag's type is its index.
struct Import {
  std::string_view module;
  std::string_view name;
  std::variant<TypeIndex, TableType, MemoryType, GlobalType> type;  // alternatives in the order of ExternKind; tag: see is_tag
  bool is_tag = false;
  uint64_t offset = 0;

  ExternKind kind() const { return is_tag ? ExternKind::tag : static_cast<ExternKind>(type.index()); }
};

struct Table {
  TableType type;
  std::optional<ConstExpr> init;
};

struct Global {
  GlobalType type;
  ConstExpr init;
};

// spec: syntax-export
struct Export {
  std::string_view name;
  ExternKind kind;
  uint32_t index;
};

// spec: syntax-elem
struct Elem {
  enum class Mode : uint8_t { active, passive, declarative };
  Mode mode;
  TableIndex table;
  ConstExpr offset;  // active
  ValType type = kFuncref;
  // One of the two is used.
  std::vector<FuncIndex> functions;
  std::vector<ConstExpr> expressions;
  size_t size() const { return functions.empty() ? expressions.size() : functions.size(); }
};

// spec: syntax-data
struct Data {
  bool active;
  MemoryIndex memory;
  ConstExpr offset;  // active
  Bytes init;
};

// A function's declared locals, run-length encoded as in the binary, and its
// instructions with the final `end`.
struct Code {
  struct Locals {
    uint32_t count;
    ValType type;
  };
  std::vector<Locals> locals;
  Bytes body;
};

struct CustomSection {
  std::string_view name;
  Bytes content;
};

// A decoded module: plain data, every index space with its imports first. Views
// point into the binary, which must outlive it.  spec: syntax-module
struct Module {
  std::span<const uint8_t> binary;

  std::vector<FuncType> types;
  std::vector<Import> imports;
  std::vector<TypeIndex> functions;  // imported, then defined
  std::vector<Table> tables;         // imported ones have no init
  std::vector<MemoryType> memories;
  std::vector<Global> globals;       // imported ones have an empty init
  std::vector<TypeIndex> tags;
  std::vector<Export> exports;
  std::optional<FuncIndex> start;
  std::vector<Elem> elems;
  std::optional<uint32_t> data_count;
  std::vector<Code> code;  // of the defined functions
  std::vector<Data> datas;
  std::vector<CustomSection> customs;
  std::array<uint64_t, 14> section_offsets{};  // of the contents, by section id; for messages

  uint32_t imported_functions = 0;
  uint32_t imported_tables = 0;
  uint32_t imported_memories = 0;
  uint32_t imported_globals = 0;
  uint32_t imported_tags = 0;

  const FuncType& type_of(FuncIndex function) const { return types[functions[function.value].value]; }
};

}  // namespace wherry::wasm
