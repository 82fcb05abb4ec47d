// SPDX-License-Identifier: Apache-2.0
#include "validate/locals.h"

#include <gtest/gtest.h>

namespace wherry::validate {
namespace {

using wasm::ValType;

// Against a plain list, at every number and around its end.
void expect_same(const Locals& locals, const std::vector<ValType>& list) {
  ASSERT_EQ(locals.size(), list.size());
  ValType type;
  for (uint32_t i = 0; i < list.size(); ++i) {
    ASSERT_TRUE(locals.find(i, type)) << i;
    ASSERT_EQ(type, list[i]) << i;
  }
  for (const uint64_t i : {list.size(), list.size() + 1, size_t{UINT32_MAX}}) {
    EXPECT_FALSE(locals.find(static_cast<uint32_t>(i), type)) << i;
  }
}

TEST(Locals, have_the_types_of_their_runs) {
  Locals locals;
  for (const uint32_t step : {1u, 2u, 85u, 255u, 256u, 257u, 3000u}) {
    SCOPED_TRACE(step);
    locals.clear();
    std::vector<ValType> list;
    for (const ValType type : {wasm::kI32, wasm::kF64, wasm::kV128, wasm::kFuncref, wasm::kI64}) {
      locals.add(0, wasm::kF32);  // declares none
      locals.add(step, type);
      list.insert(list.end(), step, type);
      expect_same(locals, list);
    }
  }
}

TEST(Locals, cost_nothing_that_is_not_in_the_binary) {
  Locals locals;
  for (int function = 0; function < 1'000'000; ++function) {
    locals.clear();
    locals.add(50'000, wasm::kI64);
  }
  ValType type;
  EXPECT_TRUE(locals.find(49'999, type));
  EXPECT_FALSE(locals.find(50'000, type));
}

}  // namespace
}  // namespace wherry::validate
