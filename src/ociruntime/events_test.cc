// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/events.h"

#include <gtest/gtest.h>

namespace wherry::ociruntime {
namespace {

TEST(Interval, is_a_number_with_its_unit) {
  const std::pair<const char*, int> cases[] = {{"1ms", 1}, {"5s", 5000}, {"2m", 120'000}, {"1h", 3'600'000}};
  for (const auto& [text, milliseconds] : cases) {
    const auto parsed = parse_interval(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->count(), milliseconds) << text;
  }
}

TEST(Interval, is_nothing_else) {
  for (const char* const text : {"", "5", "s", "0s", "-1s", "5 s", "1.5s", "5sec", "99999999999999999999s", "1000001h"}) EXPECT_FALSE(parse_interval(text)) << text;
}

}  // namespace
}  // namespace wherry::ociruntime
