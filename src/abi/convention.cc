// SPDX-License-Identifier: Apache-2.0
#include "abi/convention.h"

namespace wherry::abi {
namespace {

using Kind = ArgumentLocation::Kind;

bool in_vector_register(wasm::ValType type) {
  return type.kind() == wasm::ValType::Kind::f32 || type.kind() == wasm::ValType::Kind::f64 ||
         type.kind() == wasm::ValType::Kind::v128;
}

// Hands out registers and then stack, in the order of the parameters.
class Assigner {
 public:
  explicit Assigner(uint32_t first_integer) : integers_(first_integer) {}

  ArgumentLocation next(wasm::ValType type) {
    if (in_vector_register(type)) {
      if (vectors_ < CallLayout::kVectorRegisters) return {Kind::vector_register, vectors_++};
    } else if (integers_ < CallLayout::kIntegerRegisters) {
      return {Kind::integer_register, integers_++};
    }
    const uint32_t size = type == wasm::kV128 ? 16 : 8;
    has_vector_ |= size == 16;
    stack_ = (stack_ + size - 1) & ~(size - 1);
    const uint32_t at = stack_;
    stack_ += size;
    return {Kind::stack, at};
  }

  uint32_t argument_bytes() const { return stack_; }
  bool needs_padding() const { return has_vector_ && stack_ % 16 != 0; }
  uint32_t popped_bytes() const { return ((stack_ + (needs_padding() ? 8 : 0) + 8 + 15) & ~15u) - 8; }

 private:
  uint32_t integers_;
  uint32_t vectors_ = 0;
  uint32_t stack_ = 0;
  bool has_vector_ = false;
};

}  // namespace

CallLayout::CallLayout(const wasm::FuncType& type) : result_area(type.results.size() > kMaxRegisterResults) {
  Assigner assigner(result_area ? 1 : 0);
  params.reserve(type.params.size());
  for (const wasm::ValType param : type.params) params.push_back(assigner.next(param));
  stack_bytes = assigner.popped_bytes();
  stack_arguments = assigner.argument_bytes();
  stack_padding = assigner.needs_padding();

  uint32_t integers = 0, vectors = 0, position = 0;
  results.reserve(type.results.size());
  for (const wasm::ValType result : type.results) {
    if (result_area) {
      results.push_back({Kind::stack, 16 * position++});
    } else if (in_vector_register(result)) {
      results.push_back({Kind::vector_register, vectors++});
    } else {
      results.push_back({Kind::integer_register, integers++});
    }
  }
}

}  // namespace wherry::abi
