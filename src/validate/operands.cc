// SPDX-License-Identifier: Apache-2.0
#include "validate/operands.h"

#include "validate/function_body.h"

namespace wherry::validate {

using wasm::ValType;

bool FunctionBody::pop_slowly(ValType expected) {
  ValType found;
  if (available() == 0 && !control_.back().unreachable) return mismatch(to_string(expected), "nothing");
  if (!pop_any(found)) return false;
  return is_subtype(found, expected) || mismatch(to_string(expected), to_string(found));
}

bool FunctionBody::pop_any(ValType& type) {
  if (available() > 0) return type = operands_.pop(), true;
  type = kBottom;
  return control_.back().unreachable || mismatch("an operand", "nothing");
}

bool FunctionBody::pop(std::span<const ValType> expected) {
  for (size_t i = expected.size(); i-- > 0;)
    if (!pop(expected[i])) return false;
  return true;
}

bool FunctionBody::check_top(std::span<const ValType> expected) {
  const uint32_t present = std::min<uint32_t>(available(), static_cast<uint32_t>(expected.size()));
  for (uint32_t i = 0; i < present; ++i) {
    const ValType wanted = expected[expected.size() - 1 - i];
    const ValType found = operands_.peek(i);
    if (found != wanted && !is_subtype(found, wanted)) return mismatch(to_string(wanted), to_string(found));
  }
  if (present == expected.size() || control_.back().unreachable) return true;
  return mismatch(to_string(expected[expected.size() - 1 - present]), "nothing");
}

void FunctionBody::set_unreachable() {
  operands_.set_height(base_);
  control_.back().unreachable = true;
}

}  // namespace wherry::validate
