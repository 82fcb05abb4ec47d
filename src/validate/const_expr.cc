// SPDX-License-Identifier: Apache-2.0
#include "validate/function_body.h"

namespace wherry::validate {

using wasm::Opcode;

Result<void> FunctionBody::constant(const wasm::ConstExpr& expr, wasm::ValType type, uint32_t visible_globals) {
  locals_.clear();
  operands_.set_height(0);
  base_ = 0;
  control_.clear();
  control_.push_back({.op = Opcode::block, .has_value = true, .value = type});
  wasm::CodeReader reader(expr);
  while (!control_.empty()) {
    if (!reader.next(in_)) return reader.failure();
    if (!is_constant(visible_globals) || !step_constant()) return outcome(false);
    if (operands_.too_high()) return outcome(fail(ErrorKind::unsupported, "too many operands on the stack"));
  }
  return {};
}

// spec: valid-constant
bool FunctionBody::is_constant(uint32_t visible_globals) {
  switch (in_.op) {
    case Opcode::end:
    case Opcode::i32_const:
    case Opcode::i64_const:
    case Opcode::f32_const:
    case Opcode::f64_const:
    case Opcode::v128_const:
    case Opcode::ref_null:
    case Opcode::ref_func: return true;
    case Opcode::i32_add:
    case Opcode::i32_sub:
    case Opcode::i32_mul:
    case Opcode::i64_add:
    case Opcode::i64_sub:
    case Opcode::i64_mul: return context_.features.contains(wasm::Feature::extended_const) || invalid("constant expression required");
    case Opcode::global_get:
      if (in_.index >= visible_globals) return unknown("global", in_.index);
      return !module_.globals[in_.index].type.is_mutable || invalid("constant expression required");
    default: return invalid("constant expression required");
  }
}

}  // namespace wherry::validate
