// SPDX-License-Identifier: Apache-2.0
#include "baseline/survey.h"

#include <gtest/gtest.h>

namespace wherry::baseline {
namespace {

enum : uint8_t { kEnd = 0x0b, kBlock = 0x02, kLoop = 0x03, kIf = 0x04, kElse = 0x05, kVoid = 0x40, kGet = 0x20, kSet = 0x21, kConst = 0x41, kCall = 0x10, kDrop = 0x1a };

struct Body {
  explicit Body(std::vector<uint8_t> code, uint32_t params = 0) : bytes(std::move(code)) { survey.run({bytes, 0}, params); }
  std::vector<uint8_t> bytes;
  Survey survey;
};

TEST(Survey, weighs_uses_by_the_depth_of_loops) {
  const Body body({kGet, 0, kDrop, kLoop, kVoid, kGet, 1, kDrop, kLoop, kVoid, kGet, 2, kDrop, kEnd, kEnd, kGet, 1, kDrop, kEnd}, 3);
  EXPECT_EQ(body.survey.local(0).weight, 1u);
  EXPECT_EQ(body.survey.local(1).weight, 9u);
  EXPECT_EQ(body.survey.local(2).weight, 64u);
}

TEST(Survey, a_local_set_first_needs_no_zero_inside_that_block) {
  const Body body({kConst, 1, kSet, 0, kBlock, kVoid, kConst, 1, kSet, 1, kGet, 1, kDrop, kEnd, kGet, 0, kDrop, kEnd});
  EXPECT_FALSE(body.survey.local(0).needs_zero);
  EXPECT_FALSE(body.survey.local(1).needs_zero);
}

TEST(Survey, a_local_read_outside_the_block_that_set_it_needs_a_zero) {
  const Body body({kBlock, kVoid, kConst, 1, kSet, 0, kEnd, kGet, 0, kDrop, kEnd});
  EXPECT_TRUE(body.survey.local(0).needs_zero);
}

TEST(Survey, the_two_arms_of_an_if_do_not_know_each_other) {
  const Body body({kConst, 1, kIf, kVoid, kConst, 1, kSet, 0, kElse, kGet, 0, kDrop, kEnd, kEnd});
  EXPECT_TRUE(body.survey.local(0).needs_zero);
}

TEST(Survey, counts_small_copies_of_constant_size_as_no_calls) {
  const auto copy_of = [](uint8_t size) { return std::vector<uint8_t>{kGet, 0, kGet, 1, kConst, size, 0xfc, 10, 0, 0, kEnd}; };
  EXPECT_FALSE(Body(copy_of(16), 2).survey.has_calls());
  EXPECT_TRUE(Body(copy_of(0), 2).survey.has_calls());
  EXPECT_TRUE(Body({kGet, 0, kGet, 1, kConst, 97 | 0x80, 0, 0xfc, 10, 0, 0, kEnd}, 2).survey.has_calls());
  EXPECT_FALSE(Body({kGet, 0, kGet, 1, kConst, 97 | 0x80, 0, 0xfc, 11, 0, kEnd}, 2).survey.has_calls());
  EXPECT_TRUE(Body({kGet, 0, kGet, 1, kGet, 1, 0xfc, 10, 0, 0, kEnd}, 2).survey.has_calls());
}

TEST(Survey, lists_parameters_and_named_locals_only) {
  const Body body({kGet, 9, kDrop, kGet, 7, kDrop, kGet, 1, kDrop, kEnd}, 3);
  EXPECT_EQ(body.survey.used(), (std::vector<uint32_t>{0, 1, 2, 7, 9}));
}

TEST(Survey, forgets_the_function_before) {
  Body body({kGet, 4, kDrop, kCall, 0, kEnd});
  EXPECT_TRUE(body.survey.has_calls());
  const std::vector<uint8_t> next = {kEnd};
  body.survey.run({next, 0}, 0);
  EXPECT_FALSE(body.survey.has_calls());
  EXPECT_TRUE(body.survey.used().empty());
  EXPECT_EQ(body.survey.local(4).weight, 0u);
}

}  // namespace
}  // namespace wherry::baseline
