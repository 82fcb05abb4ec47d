// SPDX-License-Identifier: Apache-2.0
#include "abi/convention.h"

#include <gtest/gtest.h>

#include "abi/context.h"

namespace wherry::abi {
namespace {

using wasm::kF64;
using wasm::kI32;
using wasm::kI64;
using wasm::kV128;
using Kind = ArgumentLocation::Kind;

void expect_location(const ArgumentLocation& at, Kind kind, uint32_t index) {
  EXPECT_EQ(at.kind, kind);
  EXPECT_EQ(at.index, index);
}

TEST(CallLayout, a_function_without_stack_parameters_still_pops_eight_bytes) {
  const CallLayout layout({{}, {}});
  EXPECT_EQ(layout.stack_bytes, 8u);
  EXPECT_FALSE(layout.result_area);
}

TEST(CallLayout, integers_and_vectors_count_apart_and_overflow_in_order) {
  const CallLayout layout({{kI32, kF64, kI64, kI32, kI32, kI32, kV128, kI64}, {}});
  expect_location(layout.params[0], Kind::integer_register, 0);
  expect_location(layout.params[1], Kind::vector_register, 0);
  expect_location(layout.params[4], Kind::integer_register, 3);
  expect_location(layout.params[5], Kind::stack, 0);
  expect_location(layout.params[6], Kind::vector_register, 1);
  expect_location(layout.params[7], Kind::stack, 8);
  EXPECT_EQ(layout.stack_bytes, 24u);
}

TEST(CallLayout, one_stack_argument_fills_the_eight_bytes_that_are_always_popped) {
  const CallLayout layout({{kI32, kI32, kI32, kI32, kI64}, {}});
  expect_location(layout.params[4], Kind::stack, 0);
  EXPECT_EQ(layout.stack_bytes, 8u);
  EXPECT_EQ(layout.stack_arguments, 8u);
}

TEST(CallLayout, a_vector_on_the_stack_is_aligned) {
  std::vector<wasm::ValType> params(8, kF64);
  params.insert(params.end(), {kF64, kV128});
  const CallLayout layout({params, {}});
  expect_location(layout.params[8], Kind::stack, 0);
  expect_location(layout.params[9], Kind::stack, 16);
  EXPECT_EQ(layout.stack_bytes, 40u);
}

TEST(CallLayout, arguments_with_a_vector_on_the_stack_are_padded_to_sixteen_bytes) {
  std::vector<wasm::ValType> params(8, kF64);
  params.insert(params.end(), {kV128, kF64});
  const CallLayout padded({params, {}});
  EXPECT_TRUE(padded.stack_padding);
  EXPECT_EQ(padded.stack_bytes, 40u);  // 24, 8 of padding, 8
  params.push_back(kF64);
  const CallLayout full({params, {}});
  EXPECT_FALSE(full.stack_padding);
  EXPECT_EQ(full.stack_bytes, 40u);
}

TEST(CallLayout, three_results_fit_in_registers_and_four_go_to_an_area) {
  const CallLayout three({{}, {kI32, kF64, kI64}});
  expect_location(three.results[0], Kind::integer_register, 0);
  expect_location(three.results[1], Kind::vector_register, 0);
  expect_location(three.results[2], Kind::integer_register, 1);

  const CallLayout four({{kI32}, {kI32, kI32, kF64, kI32}});
  EXPECT_TRUE(four.result_area);
  expect_location(four.params[0], Kind::integer_register, 1);
  expect_location(four.results[2], Kind::stack, 32);
}

TEST(ContextLayout, places_its_parts_one_after_the_other) {
  const ContextLayout layout({.imported_functions = 2, .globals = 3, .memories = 1, .tables = 2, .escaping_functions = 1});
  EXPECT_EQ(layout.imported_function(wasm::FuncIndex(1)), sizeof(Context) + sizeof(FuncRef));
  EXPECT_EQ(layout.global(wasm::GlobalIndex(0)) % 16, 0u);
  EXPECT_EQ(layout.memory(wasm::MemoryIndex(0)), layout.global(wasm::GlobalIndex(3)));
  EXPECT_EQ(layout.table(wasm::TableIndex(1)), layout.memory(wasm::MemoryIndex(1)) + 8);
  EXPECT_GE(layout.func_ref(0), layout.table(wasm::TableIndex(2)));
  EXPECT_EQ(layout.size, layout.func_ref(1));
}

}  // namespace
}  // namespace wherry::abi
