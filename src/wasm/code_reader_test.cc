// SPDX-License-Identifier: Apache-2.0
#include "wasm/code_reader.h"

#include <gtest/gtest.h>

namespace wherry::wasm {
namespace {

using Code = std::vector<uint8_t>;
constexpr uint64_t kOffset = 0x100;

Bytes at_offset(const Code& code) { return {code, kOffset}; }

TEST(CodeReader, reads_immediates_the_same_checked_and_trusted) {
  struct Case {
    const char* name;
    Code code;
    Opcode op;
    uint32_t index = 0, index2 = 0;
    uint64_t value = 0;
    uint8_t align = 0, lane = 0;
  };
  static const Case kCases[] = {
      {"none", {0x6a}, Opcode::i32_add},
      {"local", {0x20, 0x85, 0x01}, Opcode::local_get, 133},
      {"i32", {0x41, 0x7f}, Opcode::i32_const, 0, 0, ~uint64_t{0}},
      {"i64", {0x42, 0x80, 0x01}, Opcode::i64_const, 0, 0, 128},
      {"f32", {0x43, 1, 2, 3, 4}, Opcode::f32_const, 0, 0, 0x04030201},
      {"f64", {0x44, 1, 0, 0, 0, 0, 0, 0, 2}, Opcode::f64_const, 0, 0, 0x0200000000000001},
      {"memarg", {0x28, 0x02, 0x90, 0x01}, Opcode::i32_load, 0, 0, 144, 2},
      {"memarg with a memory", {0x28, 0x42, 0x03, 0x08}, Opcode::i32_load, 3, 0, 8, 2},
      {"call_indirect", {0x11, 0x04, 0x05}, Opcode::call_indirect, 4, 5},
      {"prefixed", {0xfc, 0x8a, 0x00, 0x00, 0x01}, Opcode::memory_copy, 0, 1},
      {"lane", {0xfd, 0x15, 0x0f}, Opcode::i8x16_extract_lane_s, 0, 0, 0, 0, 15},
      {"memarg and lane", {0xfd, 0x54, 0x00, 0x07, 0x09}, Opcode::v128_load8_lane, 0, 0, 7, 0, 9},
      {"two byte code", {0xfd, 0x80, 0x02}, Opcode::i8x16_relaxed_swizzle},
      {"fence", {0xfe, 0x03, 0x00}, Opcode::atomic_fence},
      {"heap type", {0xd0, 0x6f}, Opcode::ref_null, HeapType(AbstractHeap::extern_).bits()},
      {"select", {0x1c, 0x01, 0x7d}, Opcode::select_t, 1, 0, kF32.bits()},
      {"br_table", {0x0e, 0x02, 0x01, 0x80, 0x00, 0x02}, Opcode::br_table, 2},
      {"try_table", {0x1f, 0x40, 0x02, 0x00, 0x01, 0x02, 0x02, 0x00}, Opcode::try_table, 2},
  };
  const auto check = [](auto reader, const Case& c) {
    Instruction in{};
    ASSERT_TRUE(reader.next(in));
    EXPECT_EQ(in.op, c.op);
    EXPECT_EQ(in.offset, kOffset);
    EXPECT_EQ(in.index, c.index);
    EXPECT_EQ(in.index2, c.index2);
    EXPECT_EQ(in.value, c.value);
    EXPECT_EQ(in.align, c.align);
    EXPECT_EQ(in.lane, c.lane);
    EXPECT_EQ(reader.offset(), kOffset + c.code.size());
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    check(CodeReader(at_offset(c.code)), c);
    check(TrustedCodeReader(at_offset(c.code)), c);
  }
}

TEST(CodeReader, says_what_is_malformed_and_where) {
  struct Case {
    const char* name;
    Code code;
    const char* error;
    uint64_t offset;
  };
  static const Case kCases[] = {
      {"nothing", {}, "unexpected end of section or function", 0},
      {"no such opcode", {0x27}, "illegal opcode", 0},
      {"ff", {0xff}, "illegal opcode ff", 0},
      {"prefix alone", {0xfc}, "unexpected end of section or function", 1},
      {"no such code", {0xfc, 0x40}, "illegal opcode", 0},
      {"huge code", {0xfd, 0xff, 0xff, 0xff, 0xff, 0x0f}, "illegal opcode", 0},
      {"cut off", {0x41, 0x80}, "unexpected end of section or function", 2},
      {"too long", {0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, "integer representation too long", 6},
      {"too large", {0x41, 0xff, 0xff, 0xff, 0xff, 0x4f}, "integer too large", 6},
      {"memop flags", {0x28, 0x80, 0x01, 0x00}, "malformed memop flags", 3},
      {"huge br_table", {0x0e, 0xff, 0xff, 0xff, 0x0f}, "br_table is too large", 5},
      {"short br_table", {0x0e, 0x04, 0x00}, "unexpected end of section or function", 3},
      {"short shuffle", {0xfd, 0x0d, 0x00}, "unexpected end of section or function", 3},
      {"heap type", {0xd0, 0x7f}, "malformed heap type", 1},
      {"block type", {0x02, 0x60}, "malformed value type", 1},
      {"catch", {0x1f, 0x40, 0x01, 0x04}, "malformed catch clause", 4},
      {"fence", {0xfe, 0x03, 0x01}, "zero byte expected", 3},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    CodeReader reader(at_offset(c.code));
    Instruction in;
    ASSERT_FALSE(reader.next(in));
    EXPECT_TRUE(reader.at_end());
    EXPECT_EQ(reader.failure().kind, ErrorKind::malformed);
    EXPECT_EQ(reader.failure().message, c.error);
    EXPECT_EQ(reader.failure().offset, kOffset + c.offset);
  }
}

TEST(CodeReader, gives_the_labels_of_a_br_table) {
  const Code code = {0x0e, 0x02, 0x01, 0x80, 0x01, 0x02};
  CodeReader reader(at_offset(code));
  Instruction in;
  ASSERT_TRUE(reader.next(in));
  std::vector<uint32_t> found;
  for (Labels labels(in); !labels.done();) found.push_back(labels.next());
  EXPECT_EQ(found, (std::vector<uint32_t>{1, 128, 2}));
}

TEST(CodeReader, reads_block_types) {
  const Code code = {0x02, 0x40, 0x03, 0x7b, 0x04, 0x05, 0x02, 0x64, 0x70, 0x02, 0x63, 0x81, 0x01};
  CodeReader reader(at_offset(code));
  Instruction in;
  ASSERT_TRUE(reader.next(in));
  EXPECT_EQ(in.block.kind, BlockType::Kind::empty);
  ASSERT_TRUE(reader.next(in));
  EXPECT_EQ(in.block.value(), kV128);
  ASSERT_TRUE(reader.next(in));
  EXPECT_EQ(in.block.kind, BlockType::Kind::function);
  EXPECT_EQ(in.block.type(), TypeIndex(5));
  ASSERT_TRUE(reader.next(in));
  EXPECT_EQ(in.block.value(), ValType::ref(AbstractHeap::func, false));
  ASSERT_TRUE(reader.next(in));
  EXPECT_EQ(in.block.value(), ValType::ref(HeapType(TypeIndex(129)), true));
}

TEST(BodySyntax, compares_the_end_with_the_bodys) {
  struct Case {
    const char* name;
    Code binary;
    size_t size;
    const char* error;
    uint64_t offset;
  };
  static const Case kCases[] = {
      {"nested blocks", {0x02, 0x40, 0x0b, 0x0b}, 4, nullptr, 0},
      {"no end at all", {0x01}, 1, "unexpected end of section or function", 1},
      {"the end is behind the body", {0x01, 0x0b}, 1, "section size mismatch: a function goes past its end", 1},
      {"the end is before the body's", {0x0b, 0x01}, 2, "END opcode expected: bytes behind the function's end", 1},
      {"else without if", {0x02, 0x40, 0x05, 0x0b, 0x0b}, 5, "END opcode expected, found ELSE", 2},
      {"else twice", {0x04, 0x40, 0x05, 0x05, 0x0b, 0x0b}, 6, "END opcode expected, found ELSE", 3},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Result<void> result = check_body_syntax(c.binary, {std::span(c.binary).first(c.size), 0});
    ASSERT_EQ(result.has_value(), c.error == nullptr);
    if (result) continue;
    EXPECT_EQ(result.error().message, c.error);
    EXPECT_EQ(result.error().offset, c.offset);
  }
}

}  // namespace
}  // namespace wherry::wasm
