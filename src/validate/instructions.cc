// SPDX-License-Identifier: Apache-2.0
#include "validate/function_body.h"

namespace wherry::validate {

using wasm::FuncType;
using wasm::ValType;

const FuncType* FunctionBody::function_type(uint32_t index) {
  if (index >= module_.functions.size()) return unknown("function", index), nullptr;
  return &module_.type_of(wasm::FuncIndex(index));
}

const FuncType* FunctionBody::type(uint32_t index) {
  if (index >= module_.types.size()) return unknown("type", index), nullptr;
  return &module_.types[index];
}

const wasm::Table* FunctionBody::table(uint32_t index) {
  if (index >= module_.tables.size()) return unknown("table", index), nullptr;
  return &module_.tables[index];
}

const wasm::Elem* FunctionBody::elem(uint32_t index) {
  if (index >= module_.elems.size()) return unknown("elem segment", index), nullptr;
  return &module_.elems[index];
}

bool FunctionBody::memory_exists(uint32_t index) { return index < module_.memories.size() || unknown("memory", index); }

bool FunctionBody::data_exists(uint32_t index) {
  if (!module_.data_count) return fail(ErrorKind::malformed, "data count section required");
  return index < *module_.data_count || unknown("data segment", index);
}

bool FunctionBody::enabled(ValType type) {
  const wasm::Feature feature = wasm::feature_of(type);
  if (context_.features.contains(feature)) return true;
  return error_ = wasm::unsupported_feature(feature, in_.offset), false;
}

// spec: valid-drop
bool FunctionBody::valid_drop() {
  ValType type;
  return pop_any(type);
}

// spec: valid-select
bool FunctionBody::valid_select() {
  ValType first, second;
  if (!pop(wasm::kI32) || !pop_any(second) || !pop_any(first)) return false;
  if (first.is_ref() || second.is_ref()) return mismatch("numbers or vectors", "a reference");
  if (first != second && first != kBottom && second != kBottom) return mismatch(to_string(first), to_string(second));
  return push(first == kBottom ? second : first), true;
}

bool FunctionBody::valid_select_t() {
  if (in_.index != 1) return invalid("invalid result arity");
  const ValType type = ValType::from_bits(static_cast<uint32_t>(in_.value));
  if (!enabled(type) || !pop(wasm::kI32) || !pop(type) || !pop(type)) return false;
  return push(type), true;
}

// spec: valid-ref.null
bool FunctionBody::valid_ref_null() {
  const wasm::HeapType heap = wasm::HeapType::from_bits(in_.index);
  const ValType type = ValType::ref(heap, true);
  if (!enabled(type)) return false;
  return push(type), true;
}

// spec: valid-ref.is_null
bool FunctionBody::valid_ref_is_null() {
  ValType type;
  if (!pop_any(type)) return false;
  if (!type.is_ref() && type != kBottom) return mismatch("a reference", to_string(type));
  return push(wasm::kI32), true;
}

// spec: valid-ref.func
bool FunctionBody::valid_ref_func() {
  if (!function_type(in_.index)) return false;
  if (!context_.declared_functions[in_.index]) return invalid("undeclared function reference");
  return push(ValType::ref(wasm::HeapType(module_.functions[in_.index]), false)), true;
}

// spec: valid-table.get
bool FunctionBody::valid_table_get() {
  const wasm::Table* const from = table(in_.index);
  return from && pop(wasm::kI32) && (push(from->type.element), true);
}

// spec: valid-table.set
bool FunctionBody::valid_table_set() {
  const wasm::Table* const to = table(in_.index);
  return to && pop(to->type.element) && pop(wasm::kI32);
}

// spec: valid-table.size
bool FunctionBody::valid_table_size() { return table(in_.index) && (push(wasm::kI32), true); }

// spec: valid-table.grow
bool FunctionBody::valid_table_grow() {
  const wasm::Table* const grown = table(in_.index);
  return grown && pop(wasm::kI32) && pop(grown->type.element) && (push(wasm::kI32), true);
}

// spec: valid-table.fill
bool FunctionBody::valid_table_fill() {
  const wasm::Table* const filled = table(in_.index);
  return filled && pop(wasm::kI32) && pop(filled->type.element) && pop(wasm::kI32);
}

// spec: valid-table.copy
bool FunctionBody::valid_table_copy() {
  const wasm::Table* const to = table(in_.index);
  const wasm::Table* const from = to ? table(in_.index2) : nullptr;
  if (!from) return false;
  if (!is_subtype(from->type.element, to->type.element)) return mismatch(to_string(to->type.element), to_string(from->type.element));
  return pop(wasm::kI32) && pop(wasm::kI32) && pop(wasm::kI32);
}

// spec: valid-table.init
bool FunctionBody::valid_table_init() {
  const wasm::Table* const to = table(in_.index2);
  const wasm::Elem* const from = to ? elem(in_.index) : nullptr;
  if (!from) return false;
  if (!is_subtype(from->type, to->type.element)) return mismatch(to_string(to->type.element), to_string(from->type));
  return pop(wasm::kI32) && pop(wasm::kI32) && pop(wasm::kI32);
}

// spec: valid-elem.drop
bool FunctionBody::valid_elem_drop() { return elem(in_.index) != nullptr; }

// spec: valid-memory.size, valid-memory.grow, valid-memory.fill
bool FunctionBody::valid_memory() { return memory_exists(in_.index); }

// spec: valid-memory.copy
bool FunctionBody::valid_memory_copy() {
  return memory_exists(in_.index) && memory_exists(in_.index2) && pop(wasm::kI32) && pop(wasm::kI32) && pop(wasm::kI32);
}

// spec: valid-memory.init
bool FunctionBody::valid_memory_init() { return memory_exists(in_.index2) && data_exists(in_.index); }

// spec: valid-data.drop
bool FunctionBody::valid_data_drop() { return data_exists(in_.index); }

// spec: valid-extract_lane, valid-replace_lane
bool FunctionBody::valid_lane() { return in_.lane < wasm::info(in_.op).lanes || invalid("invalid lane index"); }

// spec: valid-shuffle
bool FunctionBody::valid_shuffle() {
  for (size_t i = 0; i < 16; ++i)
    if (in_.bytes[i] >= 32) return invalid("invalid lane index");
  return true;
}

}  // namespace wherry::validate
