// SPDX-License-Identifier: Apache-2.0
#include "validate/function_body.h"

#include "validate/plain.h"

namespace wherry::validate {

using wasm::Immediate;
using wasm::Opcode;
using wasm::ValType;

Result<void> FunctionBody::function(uint32_t defined_function) {
  const wasm::Code& code = module_.code[defined_function];
  function_ = &module_.type_of(wasm::FuncIndex(module_.imported_functions + defined_function));
  in_.offset = static_cast<uint32_t>(code.body.offset);
  return outcome(declare_locals(*function_, code) && run(code.body));
}

bool FunctionBody::declare_locals(const wasm::FuncType& type, const wasm::Code& code) {
  locals_.clear();
  for (const ValType param : type.params) locals_.add(1, param);
  for (const wasm::Code::Locals& group : code.locals) {
    const uint64_t total = locals_.size() + group.count;
    if (total > wasm::kMaxLocals)
      return fail(ErrorKind::unsupported, "too many locals: " + std::to_string(total) + ", at most " + std::to_string(wasm::kMaxLocals));
    locals_.add(group.count, group.type);
  }
  return true;
}

// Reads to the `end` that closes the function, which must be the last byte.
bool FunctionBody::run(wasm::Bytes body) {
  operands_.set_height(0);
  base_ = 0;
  control_.clear();
  control_.push_back({.op = Opcode::block, .function = function_});

  wasm::CodeReader reader(body);
  while (!control_.empty()) {
    if (!reader.next(in_)) [[unlikely]]
      return malformed(body);
    if (!step()) [[unlikely]]
      return false;
    if (operands_.too_high()) [[unlikely]]
      return fail(ErrorKind::unsupported, "too many operands on the stack");
  }
  in_.offset = reader.offset();
  return reader.at_end() || malformed(body);
}

bool FunctionBody::malformed(wasm::Bytes body) {
  Result<void> syntax = wasm::check_body_syntax(module_.binary, body);
  CHECK(!syntax, "a body is malformed for one reader and not for another");
  error_ = std::move(syntax).error();
  return false;
}

[[gnu::always_inline]] inline bool FunctionBody::valid_plain() {
  const PlainSignature& type = kPlainSignatures[static_cast<size_t>(in_.op)];
  if (available() < type.param_count) [[unlikely]]
    return valid_plain_slowly();
  ValType* const first = operands_.top() - type.param_count;
  for (uint32_t i = 0; i < type.param_count; ++i)
    if (first[i] != type.params[i]) [[unlikely]]
      return valid_plain_slowly();
  *first = type.result;
  operands_.set_top(first + type.has_result);
  return true;
}

inline bool FunctionBody::valid_local_get() {
  ValType type;
  if (!locals_.find(in_.index, type)) [[unlikely]]
    return unknown("local", in_.index);
  return push(type), true;
}

inline bool FunctionBody::valid_local_set() {
  ValType type;
  if (!locals_.find(in_.index, type)) [[unlikely]]
    return unknown("local", in_.index);
  return pop(type);
}

inline bool FunctionBody::valid_local_tee() {
  ValType type;
  if (!locals_.find(in_.index, type)) [[unlikely]]
    return unknown("local", in_.index);
  return pop(type) && (push(type), true);
}

// spec: valid-global.get
inline bool FunctionBody::valid_global_get() {
  if (in_.index >= module_.globals.size()) [[unlikely]]
    return unknown("global", in_.index);
  return push(module_.globals[in_.index].type.value), true;
}

// spec: valid-global.set
inline bool FunctionBody::valid_global_set() {
  if (in_.index >= module_.globals.size()) [[unlikely]]
    return unknown("global", in_.index);
  const wasm::GlobalType& type = module_.globals[in_.index].type;
  if (!type.is_mutable) [[unlikely]]
    return invalid("immutable global");
  return pop(type.value);
}

// spec: valid-load, valid-store
[[gnu::always_inline]] inline bool FunctionBody::valid_memory_access() {
  if (!memory_exists(in_.index)) [[unlikely]]
    return false;
  if (in_.align > wasm::info(in_.op).access_log2) [[unlikely]]
    return invalid("alignment must not be larger than natural");
  return in_.value <= UINT32_MAX || invalid("offset out of range");
}

bool FunctionBody::valid_plain_slowly() {
  const PlainSignature& type = kPlainSignatures[static_cast<size_t>(in_.op)];
  if (!pop(std::span(type.params, type.param_count))) return false;
  if (type.has_result) push(type.result);
  return true;
}

// The instructions that make up most of the code are found here, the rest in step_rare.
[[gnu::always_inline]] inline bool FunctionBody::step() {
  if (!context_.enabled[static_cast<size_t>(in_.op)]) [[unlikely]]
    return error_ = wasm::unsupported_feature(wasm::info(in_.op).feature, in_.offset), false;
  switch (in_.op) {
    case Opcode::local_get: return valid_local_get();
    case Opcode::local_set: return valid_local_set();
    case Opcode::local_tee: return valid_local_tee();
    case Opcode::global_get: return valid_global_get();
    case Opcode::global_set: return valid_global_set();
    case Opcode::block:
    case Opcode::loop: return valid_block();
    case Opcode::if_: return valid_if();
    case Opcode::else_: return valid_else();
    case Opcode::end: return valid_end();
    case Opcode::br: return valid_br();
    case Opcode::br_if: return valid_br_if();
    case Opcode::call: return valid_call();
    default: break;
  }
  switch (wasm::kImmediates[static_cast<size_t>(in_.op)]) {
    case Immediate::memarg: return valid_memory_access() && valid_plain();
    case Immediate::i32:
    case Immediate::i64: return valid_plain();
    case Immediate::none:
      if (kIsPlain[static_cast<size_t>(in_.op)]) [[likely]]
        return valid_plain();
      [[fallthrough]];
    default: return step_rare();
  }
}

bool FunctionBody::step_constant() { return step(); }

bool FunctionBody::step_rare() {
  switch (in_.op) {
    case Opcode::unreachable: return valid_unreachable();
    case Opcode::br_table: return valid_br_table();
    case Opcode::return_: return valid_return();
    case Opcode::call_indirect: return valid_call_indirect();
    case Opcode::return_call: return valid_return_call();
    case Opcode::return_call_indirect: return valid_return_call_indirect();
    case Opcode::drop: return valid_drop();
    case Opcode::select: return valid_select();
    case Opcode::select_t: return valid_select_t();
    case Opcode::ref_null: return valid_ref_null();
    case Opcode::ref_is_null: return valid_ref_is_null();
    case Opcode::ref_func: return valid_ref_func();
    case Opcode::table_get: return valid_table_get();
    case Opcode::table_set: return valid_table_set();
    case Opcode::table_size: return valid_table_size();
    case Opcode::table_grow: return valid_table_grow();
    case Opcode::table_fill: return valid_table_fill();
    case Opcode::table_copy: return valid_table_copy();
    case Opcode::table_init: return valid_table_init();
    case Opcode::elem_drop: return valid_elem_drop();
    case Opcode::memory_copy: return valid_memory_copy();
    case Opcode::memory_init: return valid_memory_init() && valid_plain();
    case Opcode::data_drop: return valid_data_drop();
    default: break;
  }
  switch (wasm::kImmediates[static_cast<size_t>(in_.op)]) {
    case Immediate::memory: return valid_memory() && valid_plain();
    case Immediate::memarg_lane: return valid_memory_access() && valid_lane() && valid_plain();
    case Immediate::lane: return valid_lane() && valid_plain();
    case Immediate::shuffle: return valid_shuffle() && valid_plain();
    default: break;
  }
  if (kIsPlain[static_cast<size_t>(in_.op)]) return valid_plain();
  return error_ = wasm::unsupported_feature(wasm::info(in_.op).feature, in_.offset), false;
}

bool FunctionBody::fail(ErrorKind kind, std::string what) {
  error_ = error(kind, std::move(what), in_.offset);
  return false;
}

bool FunctionBody::mismatch(std::string expected, std::string found) {
  return invalid("type mismatch: " + std::string(wasm::info(in_.op).mnemonic) + " expected " + std::move(expected) + ", found " + std::move(found));
}

Result<void> FunctionBody::outcome(bool ok) {
  if (ok) return {};
  Error error = std::move(*error_);
  error_.reset();
  return error;
}

}  // namespace wherry::validate
