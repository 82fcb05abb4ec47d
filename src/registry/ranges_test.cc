// SPDX-License-Identifier: Apache-2.0
#include "registry/ranges.h"

#include <gtest/gtest.h>

namespace wherry::registry {
namespace {

TEST(Ranges, of_content) {
  const auto range = parse_content_range("bytes 5-9/10");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5u);
  EXPECT_EQ(range->last, 9u);
  EXPECT_EQ(range->total, 10u);
  EXPECT_EQ(parse_content_range("bytes 0-0/*")->total, std::nullopt);
  for (const char* bad : {"", "bytes", "bytes ", "bytes 5-4/10", "bytes 5-10/10", "bytes */10", "bytes 5-9", "bytes -9/10", "bytes 5-/10", "bytes 5-9/",
                          "items 5-9/10", "bytes 5-9/10 ", "bytes 5/9-10", "bytes 0-18446744073709551616/*"})
    EXPECT_FALSE(parse_content_range(bad)) << bad;
}

TEST(Ranges, of_an_upload) {
  EXPECT_EQ(parse_upload_range("0-1023"), 1024u);
  EXPECT_EQ(parse_upload_range("bytes=0-1023"), 1024u);
  EXPECT_EQ(parse_upload_range("0-0"), 0u);
  for (const char* bad : {"", "0", "0-", "1-5", "0-x", "0-18446744073709551615", "bytes 0-5", "0--1"}) EXPECT_FALSE(parse_upload_range(bad)) << bad;
}

}  // namespace
}  // namespace wherry::registry
