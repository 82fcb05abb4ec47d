// SPDX-License-Identifier: Apache-2.0
#include "decode/decode.h"

#include <gtest/gtest.h>

#include "decode/names.h"
#include "wasm/limits.h"

namespace wherry::decode {
namespace {

using Binary = std::vector<uint8_t>;

// The preamble and then these bytes.
Binary module_of(const Binary& sections) {
  Binary binary = {0, 'a', 's', 'm', 1, 0, 0, 0};
  binary.insert(binary.end(), sections.begin(), sections.end());
  return binary;
}

struct Case {
  const char* name;
  Binary sections;  // behind the preamble, which is 8 bytes
  const char* error;
  uint64_t offset = 0;
};

void check(const Case& c, const Binary& binary, ErrorKind kind) {
  SCOPED_TRACE(c.name);
  const auto module = decode(binary);
  ASSERT_EQ(module.has_value(), c.error == nullptr) << (module ? "" : module.error().to_string());
  if (module) return;
  EXPECT_EQ(module.error().message, c.error);
  EXPECT_EQ(module.error().offset, c.offset);
  EXPECT_EQ(module.error().kind, kind);
}

TEST(Decode, refuses_what_is_no_module) {
  const Case cases[] = {
      {"empty", {}, "unexpected end: magic header not detected, the file is too short", 0},
      {"two bytes", {0, 'a'}, "unexpected end: magic header not detected, the file is too short", 0},
      {"text", {'(', 'm', 'o', 'd', 'u', 'l', 'e', ')'}, "magic header not detected", 0},
      {"elf", {0x7f, 'E', 'L', 'F', 2, 1, 1, 0}, "magic header not detected", 0},
      {"no version", {0, 'a', 's', 'm'}, "unexpected end: no binary version", 4},
      {"version 2", {0, 'a', 's', 'm', 2, 0, 0, 0}, "unknown binary version", 4},
  };
  for (const Case& c : cases) check(c, c.sections, ErrorKind::malformed);
  check({"component", {}, "unknown binary version: a component; only core modules can be run", 4}, {0, 'a', 's', 'm', 0x0d, 0, 1, 0}, ErrorKind::malformed);
}

TEST(Decode, says_what_is_malformed_and_where) {
  const Case cases[] = {
      {"no sections", {}, nullptr},
      {"custom section anywhere", {0, 2, 1, 'a', 1, 1, 0, 0, 2, 1, 'b'}, nullptr},
      {"section id", {14, 0}, "malformed section id", 8},
      {"section too long", {1, 5, 0}, "length out of bounds: a section of 5 bytes", 9},
      {"section size cut off", {1, 0x80}, "unexpected end of section or function", 10},
      {"twice", {1, 1, 0, 1, 1, 0}, "unexpected content after last section: type section out of order", 11},
      {"order", {3, 1, 0, 1, 1, 0}, "unexpected content after last section: type section out of order", 11},
      {"bytes left", {1, 2, 0, 0}, "section size mismatch: type section of 2 bytes", 12},
      {"count too large", {1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f}, "length out of bounds: 4294967295 types in 0 bytes", 10},
      {"type form", {1, 2, 1, 0x40}, "malformed definition type", 11},
      {"value type", {1, 5, 1, 0x60, 1, 0x10, 0}, "malformed value type", 13},
      {"name goes past its section", {0, 1, 1, 'a'}, "unexpected end: a custom section's name goes past the section's end", 12},
      {"name", {0, 2, 1, 0xff}, "malformed UTF-8 encoding", 11},
      {"import kind", {2, 5, 1, 0, 0, 9, 0}, "malformed import kind", 13},
      {"limits", {5, 3, 1, 0x10, 0}, "malformed limits flags", 11},
      {"mutability", {6, 4, 1, 0x7f, 2, 0x0b}, "malformed mutability", 12},
      {"export kind", {7, 4, 1, 0, 7, 0}, "malformed export kind", 12},
      {"table of numbers", {4, 4, 1, 0x7f, 0, 0}, "malformed reference type", 11},
      {"element kind", {9, 4, 1, 1, 1, 0}, "malformed element kind", 12},
      {"elements segment", {9, 2, 1, 8}, "malformed elements segment kind", 11},
      {"data segment", {11, 2, 1, 3}, "malformed data segment kind", 11},
      {"function without code", {1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0}, "function and code section have inconsistent lengths", 18},
      {"data count", {12, 1, 1}, "data count and data section have inconsistent lengths", 11},
      {"too many locals", {10, 13, 1, 11, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7e, 0x0b, 0x0b}, "too many locals", 19},
      {"an instruction before a bad section", {1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 5, 1, 3, 0, 0xff, 0x0b, 14, 0}, "illegal opcode ff", 23},
      {"constant expression without end", {6, 5, 1, 0x7f, 0, 0x41, 1}, "unexpected end of section or function", 15},
  };
  for (const Case& c : cases) check(c, module_of(c.sections), ErrorKind::malformed);
}

TEST(Decode, names_the_missing_feature_or_the_limit) {
  const Case cases[] = {
      {"struct type", {1, 3, 1, 0x5f, 0}, "unsupported feature: garbage collection (gc)", 11},
      {"exnref", {1, 5, 1, 0x60, 1, 0x69, 0}, "unsupported feature: exception handling (exceptions)", 13},
      {"typed reference", {1, 6, 1, 0x60, 1, 0x63, 0, 0}, "unsupported feature: typed function references (function-references)", 13},
      {"memory64", {5, 3, 1, 4, 0}, "unsupported feature: 64-bit memories and tables (memory64)", 11},
      {"shared memory", {5, 4, 1, 3, 0, 1}, "unsupported feature: shared memories and atomics (threads)", 11},
      {"two memories", {5, 5, 2, 0, 0, 0, 0}, "unsupported feature: multiple memories (multi-memory)", 10},
      {"tags", {13, 3, 1, 0, 0}, "unsupported feature: exception handling (exceptions)", 10},
  };
  for (const Case& c : cases) check(c, module_of(c.sections), ErrorKind::unsupported);

  Binary many = module_of({1, 0x80, 0x80, 0x40, 1});
  many.resize(8 + 4 + (1 << 20), 0x60);
  many[12] = 1, many[13] = 0x60;
  Binary params = {0x60, 0xe9, 0x07};  // 1001 parameters
  std::copy(params.begin(), params.end(), many.begin() + 13);
  check({"parameters", {}, "too many parameters: 1001, at most 1000", 14}, many, ErrorKind::unsupported);
}

TEST(Decode, places_imports_first_in_their_index_spaces) {
  const Binary binary = module_of({1, 4, 1, 0x60, 0, 0,                          // a type
                                   2, 14, 2, 1, 'm', 1, 'f', 0, 0, 1, 'm', 1, 'g', 3, 0x7e, 1,  // a function and a global
                                   3, 2, 1, 0, 6, 6, 1, 0x7f, 0, 0x41, 1, 0x0b, 7, 5, 1, 1, 'e', 0, 1, 8, 1, 1, 10, 4, 1, 2, 0, 0x0b});
  const auto module = decode(binary);
  ASSERT_TRUE(module) << module.error().to_string();
  EXPECT_EQ(module->functions.size(), 2u);
  EXPECT_EQ(module->imported_functions, 1u);
  ASSERT_EQ(module->globals.size(), 2u);
  EXPECT_EQ(module->globals[0].type.value, wasm::kI64);
  EXPECT_TRUE(module->globals[0].type.is_mutable);
  EXPECT_EQ(module->globals[1].init.bytes.size(), 3u);
  ASSERT_EQ(module->imports.size(), 2u);
  EXPECT_EQ(module->imports[1].kind(), wasm::ExternKind::global);
  EXPECT_EQ(module->imports[1].name, "g");
  EXPECT_EQ(module->exports[0].index, 1u);
  EXPECT_EQ(module->start, wasm::FuncIndex(1));
  EXPECT_EQ(module->code[0].body.offset, binary.size() - 1);
}

TEST(Names, are_read_as_far_as_they_are_well_formed) {
  const Binary sections = {1, 4, 1, 0x60, 0, 0, 3, 3, 2, 0, 0, 10, 7, 2, 2, 0, 0x0b, 2, 0, 0x0b};
  struct NameCase {
    const char* name;
    Binary content;
    std::vector<std::string_view> functions;
  };
  const NameCase cases[] = {
      {"none", {}, {}},
      {"both", {1, 7, 2, 0, 1, 'f', 1, 1, 'g'}, {"f", "g"}},
      {"one, and one of no function", {1, 7, 2, 1, 1, 'g', 9, 1, 'x'}, {"", "g"}},
      {"the second is no UTF-8", {1, 7, 2, 0, 1, 'f', 1, 1, 0xff}, {"f", ""}},
      {"more promised than there", {1, 4, 9, 0, 1, 'f'}, {"f", ""}},
      {"module's name first", {0, 2, 1, 'm', 1, 4, 1, 0, 1, 'f'}, {"f", ""}},
  };
  for (const NameCase& c : cases) {
    SCOPED_TRACE(c.name);
    Binary all = sections;
    all.insert(all.end(), {0, static_cast<uint8_t>(c.content.size() + 5), 4, 'n', 'a', 'm', 'e'});
    all.insert(all.end(), c.content.begin(), c.content.end());
    const Binary binary = module_of(all);
    const auto module = decode(binary);
    ASSERT_TRUE(module) << module.error().to_string();
    EXPECT_EQ(names(*module).functions, c.functions);
  }
}

}  // namespace
}  // namespace wherry::decode
