// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace wherry {
namespace {

TEST(Utf8, takes_the_shortest_forms_of_unicode_and_nothing_else) {
  struct Case {
    const char* name;
    std::string_view text;
    bool valid;
  };
  static const Case kCases[] = {
      {"empty", "", true},
      {"ascii", "hello, world, longer than a word", true},
      {"nul", std::string_view("\0", 1), true},
      {"two bytes", "\xc2\x80", true},
      {"three bytes", "\xe0\xa0\x80", true},
      {"four bytes", "\xf0\x90\x80\x80", true},
      {"the last", "\xf4\x8f\xbf\xbf", true},
      {"mixed, over a word's border", "abcdefg\xc3\xa4hijklmn", true},
      {"overlong, two bytes", "\xc1\xbf", false},
      {"overlong, three bytes", "\xe0\x9f\xbf", false},
      {"overlong, four bytes", "\xf0\x8f\xbf\xbf", false},
      {"surrogate", "\xed\xa0\x80", false},
      {"past the last", "\xf4\x90\x80\x80", false},
      {"five bytes", "\xf8\x88\x80\x80\x80", false},
      {"continuation alone", "\x80", false},
      {"cut off", "\xe2\x82", false},
      {"no continuation", "\xe2\x28\xa1", false},
      {"late", "abcdefgh\xff", false},
  };
  for (const Case& c : kCases) EXPECT_EQ(is_utf8(c.text), c.valid) << c.name;
}

}  // namespace
}  // namespace wherry
