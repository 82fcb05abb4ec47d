// SPDX-License-Identifier: Apache-2.0
#include "baseline/static_tables.h"

#include <gtest/gtest.h>

namespace wherry::baseline {
namespace {

constexpr uint8_t kOffset[] = {0x41, 1, 0x0b};        // i32.const 1
constexpr uint8_t kFromGlobal[] = {0x23, 0, 0x0b};    // global.get 0

wasm::Module module_with(std::span<const uint8_t> offset, std::vector<wasm::FuncIndex> functions) {
  wasm::Module module;
  wasm::Table table;
  table.type.limits.min = 4;
  module.tables.push_back(table);
  wasm::Elem elem;
  elem.mode = wasm::Elem::Mode::active;
  elem.offset = {offset, 0};
  elem.functions = std::move(functions);
  module.elems.push_back(std::move(elem));
  return module;
}

TEST(StaticTables, holds_what_the_segments_put_there) {
  const auto tables = find_static_tables(module_with(kOffset, {wasm::FuncIndex(5), wasm::FuncIndex(6)}));
  ASSERT_TRUE(tables[0].is_static);
  EXPECT_EQ(tables[0].functions, (std::vector<uint32_t>{abi::kNone, 5, 6, abi::kNone}));
}

TEST(StaticTables, a_segment_past_the_end_traps_when_it_is_run) {
  EXPECT_FALSE(find_static_tables(module_with(kOffset, std::vector<wasm::FuncIndex>(4)))[0].is_static);
}

TEST(StaticTables, an_offset_from_a_global_is_not_known) {
  EXPECT_FALSE(find_static_tables(module_with(kFromGlobal, {wasm::FuncIndex(5)}))[0].is_static);
}

TEST(StaticTables, an_exported_table_may_be_changed_by_anybody) {
  wasm::Module module = module_with(kOffset, {wasm::FuncIndex(5)});
  module.exports.push_back({"t", wasm::ExternKind::table, 0});
  EXPECT_FALSE(find_static_tables(module)[0].is_static);
}

TEST(StaticTables, an_imported_table_may_be_changed_by_anybody) {
  wasm::Module module = module_with(kOffset, {wasm::FuncIndex(5)});
  module.imported_tables = 1;
  EXPECT_FALSE(find_static_tables(module)[0].is_static);
}

}  // namespace
}  // namespace wherry::baseline
