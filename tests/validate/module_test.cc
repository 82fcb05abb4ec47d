// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "decode/decode.h"
#include "module_builder.h"
#include "validate/validate.h"

namespace wherry {
namespace {

struct Case {
  const char* name;
  test::Binary sections;  // behind the preamble
  const char* error;      // nullptr: valid
  uint64_t offset = 0;
};

TEST(ValidateModule, says_what_is_invalid_and_where) {
  static const Case kCases[] = {
      {"nothing", {}, nullptr},
      {"function of no type", {3, 2, 1, 0, 10, 4, 1, 2, 0, 0x0b}, "unknown type 0", 10},
      {"import of no type", {2, 5, 1, 0, 0, 0, 7}, "unknown type 7", 11},
      {"memory limits", {5, 4, 1, 1, 2, 1}, "size minimum must not be greater than maximum", 10},
      {"memory of 65537 pages", {5, 5, 1, 0, 0x81, 0x80, 0x04}, "memory size must be at most 65536 pages (4GiB)", 10},
      {"table limits", {4, 5, 1, 0x70, 1, 2, 1}, "size minimum must not be greater than maximum", 10},
      {"global of another type", {6, 6, 1, 0x7f, 0, 0x42, 0, 0x0b}, "type mismatch: end expected i32, found i64", 15},
      {"global of a later one", {6, 11, 2, 0x7f, 0, 0x23, 1, 0x0b, 0x7f, 0, 0x41, 0, 0x0b}, "unknown global 1", 13},
      {"global of an earlier one", {6, 11, 2, 0x7f, 0, 0x41, 0, 0x0b, 0x7f, 0, 0x23, 0, 0x0b}, nullptr},
      {"global of a mutable one", {6, 11, 2, 0x7f, 1, 0x41, 0, 0x0b, 0x7f, 0, 0x23, 0, 0x0b}, "constant expression required", 18},
      {"extended constant", {6, 9, 1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}, nullptr},
      {"no constant", {6, 7, 1, 0x7f, 0, 0x41, 1, 0x45, 0x0b}, "constant expression required", 15},
      {"export of nothing", {7, 5, 1, 1, 'a', 2, 0}, "unknown memory 0", 12},
      {"exports of one name", {5, 3, 1, 0, 0, 7, 9, 2, 1, 'a', 2, 0, 1, 'a', 2, 0}, "duplicate export name", 21},
      {"start is no function", {8, 1, 0}, "unknown function 0", 10},
      {"start takes something", {1, 5, 1, 0x60, 1, 0x7f, 0, 3, 2, 1, 0, 8, 1, 0, 10, 4, 1, 2, 0, 0x0b},
       "start function: expected () -> (), found (i32) -> ()", 21},
      {"elements for no table", {9, 6, 1, 0, 0x41, 0, 0x0b, 0}, "unknown table 0", 12},
      {"elements of another type", {4, 4, 1, 0x6f, 0, 1, 9, 6, 1, 0, 0x41, 0, 0x0b, 0},
       "type mismatch: a table of externref and elements of funcref", 18},
      {"elements of no function", {9, 5, 1, 1, 0, 1, 3}, "unknown function 3", 10},
      {"data for no memory", {11, 6, 1, 0, 0x41, 0, 0x0b, 0}, "unknown memory 0", 12},
      {"data at a float", {5, 3, 1, 0, 0, 11, 9, 1, 0, 0x43, 0, 0, 0, 0, 0x0b, 0}, "type mismatch: end expected i32, found f32", 22},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    test::Binary binary = {0, 'a', 's', 'm', 1, 0, 0, 0};
    test::append(binary, c.sections);
    const auto module = decode::decode(binary);
    ASSERT_TRUE(module) << module.error().to_string();
    const Result<void> result = validate::validate(*module);
    ASSERT_EQ(result.has_value(), c.error == nullptr) << (result ? "" : result.error().to_string());
    if (result) continue;
    EXPECT_EQ(result.error().message, c.error);
    EXPECT_EQ(result.error().offset, c.offset);
    EXPECT_EQ(result.error().kind, ErrorKind::invalid);
  }
}

TEST(ValidateModule, functions_can_be_validated_in_any_order_with_one_validator) {
  const test::BuiltModule built = test::build({"", "i", {0x02, 0x7f, 0x41, 0, 0x0b}});
  const auto module = decode::decode(built.binary);
  ASSERT_TRUE(module);
  const auto context = validate::validate_module(*module, wasm::FeatureSet::defaults());
  ASSERT_TRUE(context) << context.error().to_string();
  validate::FunctionValidator validator(**context);
  for (const uint32_t function : {1u, 0u, 1u, 0u}) EXPECT_TRUE(validator.validate(function));
}

}  // namespace
}  // namespace wherry
