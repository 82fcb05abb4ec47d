// SPDX-License-Identifier: Apache-2.0
#include "wasm/opcode.h"

#include <gtest/gtest.h>

namespace wherry::wasm {
namespace {

TEST(OpcodeTable, is_sorted_by_prefix_and_code) {
  for (size_t i = 1; i < kOpcodeCount; ++i) {
    const OpcodeInfo &before = kOpcodes[i - 1], &row = kOpcodes[i];
    EXPECT_TRUE(before.prefix < row.prefix || (before.prefix == row.prefix && before.code < row.code) || row.prefix == 0xfb || before.prefix == 0xfb)
        << row.mnemonic;
  }
}

TEST(OpcodeTable, finds_every_row_by_its_bytes) {
  for (size_t i = 0; i < kOpcodeCount; ++i) {
    const OpcodeInfo& row = kOpcodes[i];
    const Opcode found = row.prefix ? kPrefixedOpcodes[row.prefix - 0xfb][row.code] : kPlainOpcodes[row.code];
    EXPECT_EQ(found, static_cast<Opcode>(i)) << row.mnemonic;
  }
  EXPECT_EQ(kPlainOpcodes[0xff], kIllegalOpcode);
  EXPECT_EQ(kPlainOpcodes[0xfd], kPrefixOpcode);
}

TEST(OpcodeTable, knows_the_size_of_an_access_and_the_number_of_lanes) {
  struct Case {
    Opcode op;
    int access_log2;
    int lanes;
  };
  static const Case kCases[] = {
      {Opcode::i32_load8_s, 0, 0},        {Opcode::i64_load32_u, 2, 0},     {Opcode::f64_store, 3, 0},
      {Opcode::v128_load, 4, 0},          {Opcode::v128_load8x8_s, 3, 0},   {Opcode::v128_load16_splat, 1, 0},
      {Opcode::v128_load64_zero, 3, 0},   {Opcode::v128_load8_lane, 0, 16}, {Opcode::v128_store64_lane, 3, 2},
      {Opcode::i8x16_extract_lane_u, 0, 16}, {Opcode::f64x2_replace_lane, 0, 2}, {Opcode::i64_atomic_rmw_xchg, 3, 0},
      {Opcode::i64_atomic_rmw8_cmpxchg_u, 0, 0}, {Opcode::memory_atomic_notify, 2, 0}, {Opcode::memory_atomic_wait64, 3, 0},
      {Opcode::i32_add, 0, 0},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(info(c.op).access_log2, c.access_log2) << info(c.op).mnemonic;
    EXPECT_EQ(info(c.op).lanes, c.lanes) << info(c.op).mnemonic;
  }
}

TEST(Features, are_on_as_the_table_says_and_named_in_errors) {
  const FeatureSet set = FeatureSet::defaults();
  EXPECT_TRUE(set.contains(Feature::simd));
  EXPECT_TRUE(set.contains(Feature::tail_call));
  EXPECT_FALSE(set.contains(Feature::gc));
  EXPECT_EQ(FeatureSet::from_bits(~uint64_t{0}), FeatureSet::all());
  const Error error = unsupported_feature(Feature::gc, 7);
  EXPECT_EQ(error.kind, ErrorKind::unsupported);
  EXPECT_EQ(error.to_string(), "0x7: unsupported feature: garbage collection (gc)");
}

}  // namespace
}  // namespace wherry::wasm
