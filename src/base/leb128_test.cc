// SPDX-License-Identifier: Apache-2.0
#include "base/leb128.h"

#include <gtest/gtest.h>

#include <vector>

namespace wherry {
namespace {

struct Case {
  const char* name;
  std::vector<uint8_t> bytes;
  uint64_t value;
  const char* error = nullptr;
  size_t failed_at = 0;
};

template <class Read>
void check(const std::vector<Case>& cases, Read read) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ByteCursor<> in(c.bytes.data(), c.bytes.data() + c.bytes.size());
    const uint64_t value = read(in);
    if (c.error) {
      ASSERT_NE(in.failure(), nullptr);
      EXPECT_STREQ(in.failure(), c.error);
      EXPECT_EQ(in.failure_position() - c.bytes.data(), static_cast<ptrdiff_t>(c.failed_at));
      continue;
    }
    EXPECT_EQ(in.failure(), nullptr);
    EXPECT_EQ(value, c.value);
    EXPECT_TRUE(in.at_end());
    if (c.bytes.empty()) continue;
    ByteCursor<Input::trusted> trusted(c.bytes.data(), nullptr);
    EXPECT_EQ(read(trusted), c.value);
    EXPECT_EQ(trusted.position(), c.bytes.data() + c.bytes.size());
  }
}

constexpr const char* kEnd = "unexpected end of section or function";

TEST(Leb128, reads_unsigned_numbers_of_32_bits) {
  check(
      {
          {"zero", {0}, 0},
          {"one byte", {0x7f}, 127},
          {"two bytes", {0x80, 0x01}, 128},
          {"longer than needed", {0x83, 0x80, 0x80, 0x80, 0x00}, 3},
          {"the largest", {0xff, 0xff, 0xff, 0xff, 0x0f}, UINT32_MAX},
          {"empty", {}, 0, kEnd, 0},
          {"cut off", {0x80, 0x80}, 0, kEnd, 2},
          {"six bytes", {0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 0, "integer representation too long", 5},
          {"33 bits", {0xff, 0xff, 0xff, 0xff, 0x1f}, 0, "integer too large", 5},
      },
      [](auto& in) { return in.u32(); });
}

TEST(Leb128, reads_signed_numbers_of_32_bits) {
  check(
      {
          {"minus one", {0x7f}, ~uint64_t{0}},
          {"63", {0x3f}, 63},
          {"64", {0xc0, 0x00}, 64},
          {"minus 64", {0x40}, static_cast<uint64_t>(-64)},
          {"the smallest", {0x80, 0x80, 0x80, 0x80, 0x78}, static_cast<uint64_t>(int64_t{INT32_MIN})},
          {"the largest", {0xff, 0xff, 0xff, 0xff, 0x07}, INT32_MAX},
          {"unused bits are not the sign's", {0xff, 0xff, 0xff, 0xff, 0x0f}, 0, "integer too large", 5},
          {"some unused bits", {0x80, 0x80, 0x80, 0x80, 0x1f}, 0, "integer too large", 5},
          {"six bytes", {0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 0, "integer representation too long", 5},
      },
      [](auto& in) { return static_cast<uint64_t>(int64_t{in.s32()}); });
}

TEST(Leb128, reads_numbers_of_64_and_33_bits) {
  check(
      {
          {"the smallest", {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, static_cast<uint64_t>(INT64_MIN)},
          {"ten bytes of minus one", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, ~uint64_t{0}},
          {"too large", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 0, "integer too large", 10},
      },
      [](auto& in) { return static_cast<uint64_t>(in.s64()); });
  check(
      {
          {"the largest", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, UINT64_MAX},
          {"65 bits", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 0, "integer too large", 10},
      },
      [](auto& in) { return in.template uN<64>(); });
  check({{"2^32 - 1", {0xff, 0xff, 0xff, 0xff, 0x0f}, UINT32_MAX}}, [](auto& in) { return static_cast<uint64_t>(in.template sN<33>()); });
}

TEST(ByteCursor, keeps_the_first_failure_and_reads_zeros_after_it) {
  const uint8_t bytes[] = {1, 2};
  ByteCursor<> in(bytes, bytes + 2);
  EXPECT_EQ(in.bytes(3), nullptr);
  EXPECT_EQ(in.byte(), 0);
  in.fail("something else");
  EXPECT_STREQ(in.failure(), kEnd);
  EXPECT_EQ(in.fixed<uint32_t>(), 0u);
}

}  // namespace
}  // namespace wherry
