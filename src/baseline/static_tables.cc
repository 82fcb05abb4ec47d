// SPDX-License-Identifier: Apache-2.0
#include "baseline/static_tables.h"

#include <optional>

#include "wasm/code_reader.h"

namespace wherry::baseline {
namespace {

using wasm::Opcode;

constexpr uint64_t kMaxStaticTable = 1u << 20;

// The value of an expression that is one i32.const.
std::optional<uint32_t> constant_offset(const wasm::ConstExpr& expression) {
  wasm::TrustedCodeReader reader(expression);
  wasm::Instruction in, end;
  if (reader.at_end() || !reader.next(in) || in.op != Opcode::i32_const) return std::nullopt;
  if (reader.at_end() || !reader.next(end) || end.op != Opcode::end) return std::nullopt;
  return static_cast<uint32_t>(in.value);
}

void fill(const wasm::Elem& elem, StaticTable& table) {
  const std::optional<uint32_t> offset = constant_offset(elem.offset);
  if (!offset || !elem.expressions.empty() || *offset + uint64_t{elem.functions.size()} > table.functions.size()) {
    table.is_static = false;
    return;
  }
  for (size_t i = 0; i < elem.functions.size(); ++i) table.functions[*offset + i] = elem.functions[i].value;
}

}  // namespace

std::vector<StaticTable> find_static_tables(const wasm::Module& module) {
  std::vector<StaticTable> tables(module.tables.size());
  bool any = false;
  for (size_t i = module.imported_tables; i < module.tables.size(); ++i) {
    const wasm::Table& table = module.tables[i];
    const wasm::TableType& type = table.type;
    tables[i].is_static = !table.init && type.limits.min <= kMaxStaticTable && type.element == wasm::kFuncref;
    any |= tables[i].is_static;
  }
  for (const wasm::Export& e : module.exports)
    if (e.kind == wasm::ExternKind::table) tables[e.index].is_static = false;
  if (!any) return tables;
  for (size_t i = 0; i < tables.size(); ++i)
    if (tables[i].is_static) tables[i].functions.assign(module.tables[i].type.limits.min, abi::kNone);
  for (const wasm::Elem& elem : module.elems)
    if (elem.mode == wasm::Elem::Mode::active && tables[elem.table.value].is_static) fill(elem, tables[elem.table.value]);
  return tables;
}

}  // namespace wherry::baseline
