// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

namespace wherry {
namespace {

Result<int> positive(int n) {
  if (n <= 0) return error(ErrorKind::invalid, "not positive", 7);
  return n;
}

Result<std::string> twice(int n) { return std::to_string(TRY(positive(n)) * 2); }

Result<void> check(int n) {
  TRY(positive(n));
  return {};
}

TEST(Result, try_gives_the_value_or_returns_the_error) {
  ASSERT_TRUE(twice(21));
  EXPECT_EQ(*twice(21), "42");
  const auto bad = twice(-1);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().to_string(), "0x7: not positive");
  EXPECT_TRUE(check(1));
  EXPECT_EQ(check(0).error().kind, ErrorKind::invalid);
}

TEST(Result, os_errors_name_the_thing_and_keep_their_kind) {
  const Error missing = os_error(ENOENT, "/x");
  EXPECT_EQ(missing.kind, ErrorKind::not_found);
  EXPECT_EQ(missing.to_string(), "/x: No such file or directory");
}

TEST(CheckDeathTest, names_the_condition) { EXPECT_DEATH(CHECK(1 == 2, "arithmetic"), "arithmetic .1 == 2"); }

}  // namespace
}  // namespace wherry
