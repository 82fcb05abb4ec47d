// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cli/inspect/component.h"
#include "cli/inspect/module_report.h"

namespace wherry::cli {
namespace {

using Binary = std::vector<uint8_t>;

void append(Binary& out, uint8_t id, const Binary& content) {
  out.push_back(id);
  out.push_back(static_cast<uint8_t>(content.size()));
  out.insert(out.end(), content.begin(), content.end());
}

Binary module_of(std::initializer_list<std::pair<uint8_t, Binary>> sections) {
  Binary out = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const auto& [id, content] : sections) append(out, id, content);
  return out;
}

void append_name(Binary& out, std::string_view name) {
  out.push_back(static_cast<uint8_t>(name.size()));
  out.insert(out.end(), name.begin(), name.end());
}

// (import MODULE NAME (func (type 0))) with one type.
Binary importing(std::string_view module, std::string_view name, const Binary& type) {
  Binary types = {1};
  types.insert(types.end(), type.begin(), type.end());
  Binary imports = {1};
  append_name(imports, module);
  append_name(imports, name);
  imports.insert(imports.end(), {0, 0});
  return module_of({{1, types}, {2, imports}});
}

TEST(Examine, says_which_imports_the_host_has) {
  const struct {
    const char *module, *name;
    Binary type;
    const char* missing;
  } kCases[] = {
      {"wasi_snapshot_preview1", "sched_yield", {0x60, 0, 1, 0x7f}, ""},
      {"wasi_unstable", "sched_yield", {0x60, 0, 1, 0x7f}, ""},
      {"wasi_snapshot_preview1", "sock_accept", {0x60, 2, 0x7f, 0x7f, 1, 0x7f}, ""},
      {"wasi_snapshot_preview1", "sock_accept", {0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f}, ""},
      {"wasi_snapshot_preview1", "sched_yield", {0x60, 1, 0x7f, 0}, "not with the type (i32) -> ()"},
      {"wasi_snapshot_preview1", "proc_fork", {0x60, 0, 0}, "unknown here"},
      {"wasi", "thread-spawn", {0x60, 1, 0x7f, 1, 0x7f}, "wasi-threads, which is not supported yet"},
      {"env", "f", {0x60, 0, 0}, "the program that embeds the module, or JavaScript (Emscripten)"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(std::string(c.module) + " " + c.name);
    const auto report = examine(importing(c.module, c.name, c.type));
    ASSERT_TRUE(report) << report.error().to_string();
    EXPECT_EQ(report->imports.at(0).items.at(0).missing, c.missing);
    const std::string line = std::string("import ") + c.module + " " + c.name + ": " + c.missing;
    EXPECT_EQ(report->missing, *c.missing ? std::vector<std::string>{line} : std::vector<std::string>{});
  }
}

TEST(Examine, says_which_features_are_used_and_which_are_missing) {
  const Binary kVoid = {1, 0x60, 0, 0};
  const struct {
    const char* what;
    Binary binary;
    std::vector<wasm::Feature> used;
    std::vector<std::string> missing;
  } kCases[] = {
      {"nothing", module_of({}), {}, {}},
      {"i32.extend8_s",
       module_of({{1, kVoid}, {3, {1, 0}}, {10, {1, 6, 0, 0x41, 0, 0xc0, 0x1a, 0x0b}}}),
       {wasm::Feature::sign_extension},
       {}},
      {"v128 local", module_of({{1, kVoid}, {3, {1, 0}}, {10, {1, 4, 1, 1, 0x7b, 0x0b}}}), {wasm::Feature::simd}, {}},
      {"two results", module_of({{1, {1, 0x60, 0, 2, 0x7f, 0x7f}}}), {wasm::Feature::multi_value}, {}},
      {"shared memory",
       module_of({{5, {1, 3, 1, 2}}}),
       {wasm::Feature::threads},
       {"feature threads: shared memories and atomics"}},
      {"i32.add in a constant",
       module_of({{6, {1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}}}),
       {wasm::Feature::extended_const},
       {}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    const auto report = examine(c.binary);
    ASSERT_TRUE(report) << report.error().to_string();
    wasm::FeatureSet used;
    for (const wasm::Feature feature : c.used) used.add(feature);
    EXPECT_EQ(report->features.bits(), used.bits());
    EXPECT_EQ(report->missing, c.missing);
  }
}

TEST(Examine, fails_with_the_place_of_what_it_can_not_read) {
  const auto garbage = examine(Binary{1, 2, 3, 4, 5, 6, 7, 8});
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().offset, 0u);
  const auto code = examine(module_of({{1, {1, 0x60, 0, 0}}, {3, {1, 0}}, {10, {1, 3, 0, 0xff, 0x0b}}}));
  ASSERT_FALSE(code);
  EXPECT_TRUE(code.error().message.starts_with("illegal opcode")) << code.error().message;
}

TEST(Examine, follows_no_index_that_leads_nowhere) {
  const Binary kVoid = {1, 0x60, 0, 0};
  const struct {
    const char* what;
    Binary binary;
    const char* error;
  } kCases[] = {
      {"type of a function", module_of({{1, kVoid}, {3, {1, 1}}, {10, {1, 2, 0, 0x0b}}}),
       "unknown type of a function or tag"},
      {"type of an import", module_of({{1, kVoid}, {2, {1, 1, 'e', 1, 'f', 0, 9}}}),
       "unknown type of a function or tag"},
      {"export of a function", module_of({{7, {1, 1, 'f', 0, 0}}}), "export of an unknown index 0"},
      {"export of a memory", module_of({{5, {1, 0, 1}}, {7, {1, 1, 'm', 2, 1}}}), "export of an unknown index 1"},
      {"export of a global", module_of({{7, {1, 1, 'g', 3, 5}}}), "export of an unknown index 5"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.what);
    const auto report = examine(c.binary);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().message, c.error);
  }
}

TEST(Examine, reads_a_component_s_names) {
  Binary imports = {2, 0};
  append_name(imports, "wasi:io/poll@0.2.0");
  imports.insert(imports.end(), {5, 0, 0});
  append_name(imports, "run");
  imports.insert(imports.end(), {1, 3});
  Binary exports = {1, 0};
  append_name(exports, "wasi:cli/run@0.2.0");
  exports.insert(exports.end(), {5, 1, 0});
  Binary component = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
  append(component, 10, imports);
  append(component, 11, exports);

  const auto report = examine(component);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->component);
  ASSERT_EQ(report->imports.size(), 2u);
  EXPECT_EQ(report->imports[0].module, "wasi:io/poll@0.2.0");
  EXPECT_EQ(report->imports[1].module, "run");
  EXPECT_EQ(report->exports.at(0).name, "wasi:cli/run@0.2.0");
  EXPECT_EQ(report->missing, std::vector<std::string>{"component model: only core modules can be run, not components"});

  for (size_t size = 8; size < component.size(); ++size) component_names(std::span(component).first(size));
}

}  // namespace
}  // namespace wherry::cli
