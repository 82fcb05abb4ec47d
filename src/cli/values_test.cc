// SPDX-License-Identifier: Apache-2.0
#include "cli/values.h"

#include <gtest/gtest.h>

namespace wherry::cli {
namespace {

using namespace std::chrono_literals;

TEST(ParseSize, takes_units_in_every_spelling) {
  const struct {
    const char* text;
    uint64_t bytes;
  } kCases[] = {{"0", 0},
                {"65536", 65536},
                {"64KiB", 65536},
                {"64k", 65536},
                {"64 kB", 65536},
                {"1.5M", 3 << 19},
                {"4GiB", uint64_t{4} << 30},
                {"2t", uint64_t{2} << 40},
                {"7B", 7}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto size = parse_size(c.text);
    ASSERT_TRUE(size);
    EXPECT_EQ(*size, c.bytes);
  }
}

TEST(ParseSize, refuses_what_is_none) {
  for (const char* text : {"", "MiB", "-1", "1x", "1e3", "1..2", "0x10", "99999999T", "1 2"}) {
    SCOPED_TRACE(text);
    const auto size = parse_size(text);
    ASSERT_FALSE(size);
    EXPECT_EQ(size.error().message, "`" + std::string(text) + "` is not a size, such as 64MiB");
  }
}

TEST(ParseDuration, takes_units) {
  const struct {
    const char* text;
    std::chrono::nanoseconds time;
  } kCases[] = {{"2", 2s},  {"1.5s", 1500ms}, {"200ms", 200ms}, {"10m", 10min},
                {"1h", 1h}, {"7d", 24h * 7},  {"5us", 5us},     {"9ns", 9ns}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto time = parse_duration(c.text);
    ASSERT_TRUE(time);
    EXPECT_EQ(*time, c.time);
  }
  for (const char* text : {"", "s", "1y", "-1s"}) {
    const auto time = parse_duration(text);
    ASSERT_FALSE(time);
    EXPECT_EQ(time.error().message, "`" + std::string(text) + "` is not a time, such as 1.5s");
  }
}

TEST(ParseVariable, takes_a_value_or_our_own) {
  ASSERT_EQ(setenv("WHERRY_VALUES_TEST", "x y", 1), 0);
  EXPECT_EQ(*parse_variable("A=b=c"), "A=b=c");
  EXPECT_EQ(*parse_variable("A="), "A=");
  EXPECT_EQ(*parse_variable("WHERRY_VALUES_TEST"), "WHERRY_VALUES_TEST=x y");
  EXPECT_EQ(parse_variable("=b").error().message, "`=b` is not NAME=VALUE");
  EXPECT_EQ(parse_variable("WHERRY_NO_SUCH").error().message, "`WHERRY_NO_SUCH` is not set here: give NAME=VALUE");
}

TEST(Format, rounds_to_what_one_reads) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(64 << 20), "64 MiB");
  EXPECT_EQ(format_size(~uint64_t{0}), "16777216 TiB");
  EXPECT_EQ(format_duration(850us), "850 us");
  EXPECT_EQ(format_duration(1500ms), "1.5 s");
  EXPECT_EQ(format_duration(999999us), "1 s");
  EXPECT_EQ(format_duration(90min), "1.5 h");
  EXPECT_EQ(format_duration(100h), "4.2 d");
}

}  // namespace
}  // namespace wherry::cli
