// SPDX-License-Identifier: Apache-2.0
#include "baseline/environment.h"

#include <algorithm>
#include <unordered_map>

#include "baseline/static_tables.h"
#include "wasm/code_reader.h"

namespace wherry::baseline {
namespace {

using wasm::Opcode;

void add_ref_funcs(const wasm::ConstExpr& expression, std::vector<uint32_t>& functions) {
  wasm::TrustedCodeReader reader(expression);
  wasm::Instruction in;
  while (!reader.at_end() && reader.next(in))
    if (in.op == Opcode::ref_func) functions.push_back(in.index);
}

// The functions that become values: exported, in segments and in constant
// expressions. A body may only name a function that one of these declares.
// What only a static table holds needs none.
std::vector<uint32_t> escaping_functions(const wasm::Module& module, const std::vector<StaticTable>& tables) {
  std::vector<uint32_t> functions;
  for (const wasm::Export& e : module.exports)
    if (e.kind == wasm::ExternKind::func) functions.push_back(e.index);
  for (const wasm::Elem& elem : module.elems) {
    if (elem.mode == wasm::Elem::Mode::active && tables[elem.table.value].is_static) continue;
    for (const wasm::FuncIndex f : elem.functions) functions.push_back(f.value);
    for (const wasm::ConstExpr& expression : elem.expressions) add_ref_funcs(expression, functions);
  }
  for (const wasm::Global& global : module.globals) add_ref_funcs(global.init, functions);
  for (const wasm::Table& table : module.tables)
    if (table.init) add_ref_funcs(*table.init, functions);
  std::sort(functions.begin(), functions.end());
  functions.erase(std::unique(functions.begin(), functions.end()), functions.end());
  return functions;
}

struct TypeHash {
  size_t operator()(const wasm::FuncType* type) const {
    size_t hash = type->params.size();
    for (const wasm::ValType t : type->params) hash = hash * 31 + t.bits();
    for (const wasm::ValType t : type->results) hash = hash * 37 + t.bits();
    return hash;
  }
};
struct TypeEqual {
  bool operator()(const wasm::FuncType* a, const wasm::FuncType* b) const { return *a == *b; }
};

std::vector<uint32_t> canonical_types(const wasm::Module& module) {
  std::unordered_map<const wasm::FuncType*, uint32_t, TypeHash, TypeEqual> first;
  std::vector<uint32_t> canonical;
  canonical.reserve(module.types.size());
  for (uint32_t i = 0; i < module.types.size(); ++i)
    canonical.push_back(first.try_emplace(&module.types[i], i).first->second);
  return canonical;
}

bool has_vector_types(const wasm::Module& module) {
  const auto is_vector = [](wasm::ValType type) { return type == wasm::kV128; };
  for (const wasm::FuncType& type : module.types)
    if (std::ranges::any_of(type.params, is_vector) || std::ranges::any_of(type.results, is_vector)) return true;
  return std::ranges::any_of(module.globals, [&](const wasm::Global& g) { return is_vector(g.type.value); }) ||
         std::ranges::any_of(module.imports, [&](const wasm::Import& i) {
           const auto* global = std::get_if<wasm::GlobalType>(&i.type);
           return global && is_vector(global->value);
         });
}

abi::ContextLayout::Counts layout_counts(const wasm::Module& module, size_t escaping) {
  return {module.imported_functions, static_cast<uint32_t>(module.globals.size()),
          static_cast<uint32_t>(module.memories.size()), static_cast<uint32_t>(module.tables.size()),
          static_cast<uint32_t>(escaping)};
}

}  // namespace

Environment::Environment(const wasm::Module& module, const Options& options)
    : module(module),
      options(options),
      canonical(canonical_types(module)),
      static_tables(find_static_tables(module)),
      vector_types(has_vector_types(module)),
      escaping(escaping_functions(module, static_tables)),
      layout(layout_counts(module, escaping.size())) {}

void Environment::revoke_static_table(uint32_t table) {
  for (uint32_t i = 0; i < static_tables.size(); ++i)
    if (table == i || table == abi::kNone) static_tables[i].is_static = false;
  escaping = escaping_functions(module, static_tables);
  layout = abi::ContextLayout(layout_counts(module, escaping.size()));
}

std::optional<uint32_t> Environment::func_ref_offset(uint32_t function) const {
  const auto slot = std::lower_bound(escaping.begin(), escaping.end(), function);
  if (slot == escaping.end() || *slot != function) return std::nullopt;
  return static_cast<uint32_t>(layout.func_ref(static_cast<uint32_t>(slot - escaping.begin())));
}

}  // namespace wherry::baseline
