// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <gtest/gtest.h>

namespace wherry {
namespace {

using namespace std::string_view_literals;

TEST(Printable, is_one_line_that_moves_no_cursor) {
  EXPECT_EQ(printable("a\nb\r\x1b[2J\x7f\0c"sv), "a?b??[2J??c");
  EXPECT_EQ(printable("naïve text"), "naïve text");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, is_no_longer_than_it_may_be) {
  EXPECT_EQ(printable("abcdef", 3), "abc");
  EXPECT_EQ(printable("ab", 3), "ab");
}

}  // namespace
}  // namespace wherry
