// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "decode/decode.h"
#include "module_builder.h"
#include "validate/validate.h"
#include "wasm/limits.h"
#include "wasm/opcode.h"

namespace wherry {
namespace {

using test::Binary;
using wasm::Immediate;

Result<void> check(const test::BuiltModule& module) {
  const wasm::Module decoded = TRY(decode::decode(module.binary));
  return validate::validate(decoded);
}

struct Case {
  const char* name;
  const char* params;
  const char* results;
  Binary body;
  const char* error;  // nullptr: valid
  size_t offset = 0;  // in the body
  ErrorKind kind = ErrorKind::invalid;
};

void check(const Case& c) {
  SCOPED_TRACE(c.name);
  const test::BuiltModule module = test::build({c.params, c.results, c.body});
  const Result<void> result = check(module);
  ASSERT_EQ(result.has_value(), c.error == nullptr) << (result ? "" : result.error().to_string());
  if (result) return;
  EXPECT_EQ(result.error().message, c.error);
  EXPECT_EQ(result.error().offset, module.body_offset + c.offset);
  EXPECT_EQ(result.error().kind, c.kind);
}

TEST(Validate, control) {
  static const Case kCases[] = {
      {"empty", "", "", {}, nullptr},
      {"missing result", "", "i", {}, "type mismatch: end expected i32, found nothing", 0},
      {"too many results", "", "", {0x41, 0}, "type mismatch: end expected 0 results, found 1 operands at the block's end", 2},
      {"block with result", "", "i", {0x02, 0x7f, 0x41, 0, 0x0b}, nullptr},
      {"block does not see outer operands", "", "", {0x41, 0, 0x02, 0x40, 0x1a, 0x0b}, "type mismatch: drop expected an operand, found nothing", 4},
      {"block with parameters", "", "i", {0x41, 0, 0x02, 1, 0x0b}, nullptr},
      {"unknown block type", "", "", {0x02, 9, 0x0b}, "unknown type 9", 0},
      {"if without else needs no results", "", "i", {0x41, 0, 0x04, 0x7f, 0x41, 0, 0x0b}, "type mismatch: end expected an else, found an if with results", 6},
      {"if with else", "", "i", {0x41, 0, 0x04, 0x7f, 0x41, 0, 0x05, 0x41, 1, 0x0b}, nullptr},
      {"else without if", "", "", {0x05}, "END opcode expected, found ELSE", 0, ErrorKind::malformed},
      {"unknown label", "", "", {0x0c, 1}, "unknown label 1", 0},
      {"br to the function", "", "i", {0x41, 0, 0x0c, 0}, nullptr},
      {"br makes the stack polymorphic", "", "i", {0x41, 0, 0x0c, 0, 0x6a}, nullptr},
      {"polymorphic, but not of every type", "", "i", {0x00, 0x43, 0, 0, 0, 0}, "type mismatch: end expected i32, found f32", 6},
      {"unreachable code is still typed", "", "", {0x00, 0x42, 0, 0x67, 0x1a}, "type mismatch: i32.clz expected i32, found i64", 3},
      {"br to a loop takes its parameters", "", "", {0x03, 0x7f, 0x0c, 0, 0x0b, 0x1a}, nullptr},
      {"br_if keeps the operands", "", "i", {0x41, 0, 0x41, 1, 0x0d, 0}, nullptr},
      {"br_if without a condition", "", "i", {0x41, 0, 0x0d, 0}, "type mismatch: br_if expected i32, found nothing", 2},
      {"br_table", "", "i", {0x02, 0x7f, 0x41, 0, 0x41, 1, 0x0e, 2, 0, 1, 0, 0x0b}, nullptr},
      {"br_table with two arities", "", "i", {0x02, 0x40, 0x41, 0, 0x41, 1, 0x0e, 1, 0, 1, 0x0b, 0x00},
       "type mismatch: br_table expected labels of one arity, found 0 and 1", 6},
      {"br_table to nowhere", "", "", {0x41, 1, 0x0e, 1, 0, 5}, "unknown label 5", 2},
      {"return", "", "i", {0x41, 0, 0x0f}, nullptr},
      {"return of nothing", "", "i", {0x0f}, "type mismatch: return expected i32, found nothing", 0},
      {"select of references", "F", "F", {0x20, 0, 0x20, 0, 0x41, 0, 0x1b}, "type mismatch: select expected numbers or vectors, found a reference", 6},
      {"select_t of references", "F", "F", {0x20, 0, 0x20, 0, 0x41, 0, 0x1c, 1, 0x70}, nullptr},
      {"select_t of two types", "", "", {0x1c, 2, 0x7f, 0x7f}, "invalid result arity", 0},
      {"select of two types", "", "", {0x41, 0, 0x42, 0, 0x41, 0, 0x1b}, "type mismatch: select expected i32, found i64", 6},
  };
  for (const Case& c : kCases) check(c);
}

TEST(Validate, calls_and_variables) {
  static const Case kCases[] = {
      {"call", "", "i", {0x41, 0, 0x10, 0}, nullptr},
      {"call with a wrong argument", "", "i", {0x42, 0, 0x10, 0}, "type mismatch: call expected i32, found i64", 2},
      {"unknown function", "", "", {0x10, 9}, "unknown function 9", 0},
      {"call_indirect", "", "di", {0x42, 0, 0x43, 0, 0, 0, 0, 0x41, 0, 0x11, 2, 0}, nullptr},
      {"call_indirect through external references", "", "", {0x41, 0, 0x11, 0, 1}, "type mismatch: call_indirect expected a table of functions, found externref", 2},
      {"unknown table", "", "", {0x41, 0, 0x11, 0, 7}, "unknown table 7", 2},
      {"unknown type", "", "", {0x41, 0, 0x11, 7, 0}, "unknown type 7", 2},
      {"return_call", "", "i", {0x41, 0, 0x12, 0}, nullptr},
      {"return_call of another result", "", "l", {0x41, 0, 0x12, 0}, "type mismatch: return_call expected () -> i64, found (i32) -> i32", 2},
      {"return_call_indirect", "", "", {0x41, 0, 0x13, 0, 0}, nullptr},
      {"local", "l", "l", {0x20, 0}, nullptr},
      {"unknown local", "l", "l", {0x20, 1}, "unknown local 1", 0},
      {"local.tee", "i", "i", {0x41, 0, 0x22, 0}, nullptr},
      {"local.set of a wrong type", "i", "", {0x42, 0, 0x21, 0}, "type mismatch: local.set expected i32, found i64", 2},
      {"global", "", "l", {0x23, 1}, nullptr},
      {"unknown global", "", "", {0x23, 2}, "unknown global 2", 0},
      {"immutable global", "", "", {0x41, 0, 0x24, 0}, "immutable global", 2},
      {"ref.func of a declared function", "", "F", {0xd2, 0}, nullptr},
      {"ref.func of another", "", "F", {0xd2, 2}, "undeclared function reference", 0},
      {"ref.is_null of a number", "", "i", {0x41, 0, 0xd1}, "type mismatch: ref.is_null expected a reference, found i32", 2},
      {"ref.null", "", "E", {0xd0, 0x6f}, nullptr},
      {"table.copy of other references", "", "", {0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 1}, "type mismatch: table.copy expected funcref, found externref", 6},
      {"table.init", "", "", {0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 0, 0}, nullptr},
      {"table.init of no segment", "", "", {0xfc, 12, 3, 0}, "unknown elem segment 3", 0},
      {"table.grow", "", "i", {0xd0, 0x6f, 0x41, 1, 0xfc, 15, 1}, nullptr},
      {"data.drop of no segment", "", "", {0xfc, 9, 1}, "unknown data segment 1", 0},
      {"memory.init", "", "", {0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0}, nullptr},
      {"load beyond its alignment", "", "i", {0x41, 0, 0x28, 3, 0}, "alignment must not be larger than natural", 2},
      {"load from another memory", "", "i", {0x41, 0, 0x28, 0x42, 1, 0}, "unknown memory 1", 2},
      {"offset of 33 bits", "", "i", {0x41, 0, 0x28, 2, 0x80, 0x80, 0x80, 0x80, 0x10}, "offset out of range", 2},
      {"lane", "v", "i", {0x20, 0, 0xfd, 21, 16}, "invalid lane index", 2},
      {"feature", "", "", {0xfb, 0, 0}, "unsupported feature: garbage collection (gc)", 0, ErrorKind::unsupported},
      {"illegal opcode", "", "", {0x41, 0, 0xff}, "illegal opcode ff", 2, ErrorKind::malformed},
  };
  for (const Case& c : kCases) check(c);
}

// Opcode and an immediate that is valid in the module builder's modules.
Binary encode(wasm::Opcode op) {
  const wasm::OpcodeInfo& row = wasm::info(op);
  Binary out;
  if (row.prefix) out.push_back(row.prefix);
  test::append(out, test::leb128(row.code));
  switch (row.immediate) {
    case Immediate::none: return out;
    case Immediate::memarg: out.push_back(row.access_log2); return out.push_back(0), out;
    case Immediate::memarg_lane: test::append(out, {0, 0, 0}); return out;
    case Immediate::f32: out.resize(out.size() + 4); return out;
    case Immediate::f64: out.resize(out.size() + 8); return out;
    case Immediate::v128:
    case Immediate::shuffle: out.resize(out.size() + 16); return out;
    case Immediate::data_memory: test::append(out, {0, 0}); return out;
    default: out.push_back(0); return out;
  }
}

Binary local_gets(size_t count) {
  Binary out;
  for (size_t i = 0; i < count; ++i) test::append(out, {0x20, static_cast<uint8_t>(i)});
  return out;
}

TEST(Validate, plain_instructions_take_and_give_what_the_table_says) {
  size_t checked = 0;
  for (size_t i = 0; i < wasm::kOpcodeCount; ++i) {
    const wasm::OpcodeInfo& row = wasm::kOpcodes[i];
    if (!row.is_plain() || !wasm::FeatureSet::defaults().contains(row.feature)) continue;
    SCOPED_TRACE(row.mnemonic);
    const Binary code = encode(static_cast<wasm::Opcode>(i));
    Binary body = local_gets(row.params.size());
    test::append(body, code);
    std::string results(row.results);
    const Result<void> good = check(test::build({row.params, results, body}));
    EXPECT_TRUE(good) << good.error().to_string();
    ++checked;
    if (row.params.empty()) continue;
    // One operand less, and a reference in the place of the first.
    Binary fewer = local_gets(row.params.size() - 1);
    test::append(fewer, code);
    const Result<void> missing = check(test::build({row.params, results, fewer}));
    ASSERT_FALSE(missing);
    EXPECT_TRUE(missing.error().message.starts_with("type mismatch: ")) << missing.error().message;
    const std::string other = "E" + std::string(row.params.substr(1));
    const Result<void> wrong = check(test::build({other, results, body}));
    ASSERT_FALSE(wrong);
    EXPECT_TRUE(wrong.error().message.ends_with("found externref")) << wrong.error().message;
  }
  EXPECT_GT(checked, 380u);
}

TEST(Validate, limits) {
  Binary deep;
  for (size_t i = 0; i <= wasm::kMaxNesting; ++i) test::append(deep, {0x02, 0x40});
  check({"nesting", "", "", deep, "blocks are nested too deeply", 2 * wasm::kMaxNesting, ErrorKind::unsupported});
  Binary high;
  for (size_t i = 0; i <= wasm::kMaxOperandDepth; ++i) test::append(high, {0x41, 0});
  check({"operands", "", "", high, "too many operands on the stack", 2 * wasm::kMaxOperandDepth, ErrorKind::unsupported});
}

TEST(Validate, a_br_table_with_every_label_on_many_blocks_ends_soon) {
  // 4,000 tables of 1,001 labels: each block is looked at once a table.
  Binary body;
  for (size_t i = 0; i < 10; ++i) test::append(body, {0x02, 0x40});
  for (size_t i = 0; i < 4'000; ++i) {
    test::append(body, {0x41, 0, 0x0e});
    test::append(body, test::leb128(1'000));
    for (size_t label = 0; label <= 1'000; ++label) body.push_back(static_cast<uint8_t>(label % 10));
  }
  for (size_t i = 0; i < 10; ++i) body.push_back(0x0b);
  const Result<void> result = check(test::build({"", "", body}));
  EXPECT_TRUE(result) << result.error().to_string();
}

}  // namespace
}  // namespace wherry
