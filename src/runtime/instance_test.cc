// SPDX-License-Identifier: Apache-2.0
#include "runtime/instance.h"

#include <gtest/gtest.h>

#include <thread>

#include "runtime/test_artifact.h"
#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::Guest;
using test::i32;
using test::TestArtifact;
using wasm::kF32;
using wasm::kI32;
using wasm::kI64;

TestArtifact::Import function_import(const wasm::FuncType& type) { return {"env", "f", abi::kFunc, {}, type}; }

Result<void, Trap> give_params(void*, HostCall& call) {
  call.results[0].i32 = static_cast<uint32_t>(call.args.size());
  return {};
}

std::string refusal(const TestArtifact& made, const Linker& linker, Store& store) {
  const auto artifact = made.map();
  const auto linked = Instance::link(store, *artifact, linker);
  return linked ? "none" : linked.error().message;
}

TEST(Linker, finds_by_module_name_and_type) {
  Linker linker;
  const wasm::FuncType two{{kI32, kI32}, {kI32}}, one{{kI32}, {kI32}};
  linker.define("env", "f", two, give_params, nullptr);
  linker.define("env", "f", one, give_params, nullptr);
  Guest guest({.imports = {function_import(one), function_import(two)}}, linker);
  ASSERT_TRUE(guest.call("f0", {i32(0)}, 1));
  EXPECT_EQ(guest.result[0].i32, 1u);
  ASSERT_TRUE(guest.call("f1", {i32(0), i32(0)}, 1));
  EXPECT_EQ(guest.result[0].i32, 2u);
}

TEST(Linker, says_what_is_missing_and_what_does_not_fit) {
  const auto store = std::move(*Store::create({}));
  Linker linker;
  EXPECT_EQ(refusal({.imports = {function_import({{kI32}, {}})}}, linker, *store),
            "unknown import `env.f` of type (i32) -> ()");
  linker.define("env", "f", {{kI64}, {}}, give_params, nullptr);
  EXPECT_TRUE(refusal({.imports = {function_import({{kI32}, {}})}}, linker, *store)
                  .starts_with("incompatible import type"));
  const TestArtifact memory{.imports = {{"env", "f", abi::kMemory, test::memory_type(1), {}}}};
  EXPECT_TRUE(refusal(memory, linker, *store).starts_with("incompatible import type"));
}

struct LimitsCase {
  uint64_t min;
  uint64_t max;
  bool links;
};

TEST(Linker, matches_limits_against_the_current_size) {
  const auto store = std::move(*Store::create({}));
  Memory& memory = **store->create_memory({{2, 4}, wasm::AddressType::i32, false}, Memory::Checks::guard_pages);
  ASSERT_TRUE(memory.grow(1));
  Table& table = **store->create_table({wasm::kFuncref, {2, 4}, wasm::AddressType::i32}, nullptr);
  ASSERT_TRUE(table.grow(1, nullptr));
  Linker linker;
  linker.define("env", "m", &memory);
  linker.define("env", "t", &table);
  constexpr uint64_t kNo = ~uint64_t{0};
  for (const LimitsCase& c : {LimitsCase{3, 4, true}, {0, kNo, true}, {3, 5, true}, {4, kNo, false}, {3, 3, false}}) {
    SCOPED_TRACE(c.min);
    const TestArtifact wants_memory{.imports = {{"env", "m", abi::kMemory, test::memory_type(c.min, c.max), {}}}};
    const TestArtifact wants_table{.imports = {{"env", "t", abi::kTable, test::table_type(c.min, c.max), {}}}};
    EXPECT_EQ(refusal(wants_memory, linker, *store) == "none", c.links);
    EXPECT_EQ(refusal(wants_table, linker, *store) == "none", c.links);
  }
  const TestArtifact other{.imports = {{"env", "t", abi::kTable, test::table_type(0, kNo, wasm::kExternref), {}}}};
  EXPECT_TRUE(refusal(other, linker, *store).starts_with("incompatible import type"));
}

TEST(Linker, refuses_a_memory_without_guard_to_code_that_needs_one) {
  const auto store = std::move(*Store::create({}));
  Linker linker;
  linker.define("env", "m", *store->create_memory({{1, {}}, wasm::AddressType::i32, false},
                                                  Memory::Checks::explicit_checks));
  TestArtifact made{.imports = {{"env", "m", abi::kMemory, test::memory_type(1), {}}}};
  EXPECT_EQ(refusal(made, linker, *store), "incompatible import type: `m` is a memory without guard pages");
  made.flags = abi::kExplicitBoundsChecks;
  EXPECT_EQ(refusal(made, linker, *store), "none");
}

TEST(Instance, shares_what_it_imports_with_who_exports_it) {
  const TestArtifact exporter{.memories = {test::memory_type(1)},
                              .tables = {test::table_type(4)},
                              .globals = {{test::global_type(kI32, true), {0x41, 0x07, 0x0b}}}};
  Guest first(exporter);
  Linker linker;
  linker.define_instance("env", *first.instance);
  const TestArtifact importer{.imports = {{"env", "memory", abi::kMemory, test::memory_type(1), {}},
                                          {"env", "g0", abi::kGlobal, test::global_type(kI32, true), {}}},
                              .functions = {{{{kI32}, {kI64}}, CODE(load)}}};
  const auto artifact = importer.map();
  Instance& second = **Instance::link(*first.store, *artifact, linker);
  first.instance->exported_memory("memory")->base()[5] = 99;
  abi::Value result;
  const abi::Value at = i32(5);
  ASSERT_TRUE(second.exported_function("f0")->call({&at, 1}, {&result, 1}));
  EXPECT_EQ(result.i64, 99u);
  std::get<Global>(*first.instance->exported("g0")).value->i32 = 8;
  EXPECT_EQ(second.global(0).value->i32, 8u);
}

TEST(Instance, keeps_what_was_written_before_a_segment_traps) {
  const TestArtifact made{.memories = {test::memory_type(1)}, .datas = {{0, "a"}, {65535, "bc"}, {1, "d"}}};
  Guest guest(made);
  const auto done = guest.instance->initialize();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::memory_out_of_bounds);
  const Memory& memory = *guest.instance->exported_memory("memory");
  EXPECT_EQ(memory.base()[0], 'a');
  EXPECT_EQ(memory.base()[65535], 0) << "no part of the segment that does not fit";
  EXPECT_EQ(memory.base()[1], 0) << "nothing behind it";
}

TEST(Instance, fills_tables_and_refuses_segments_past_their_end) {
  const TestArtifact made{.functions = {{{{kI32, kI32}, {kI32}}, CODE(add)}, {{}, CODE(loop)}},
                          .tables = {test::table_type(3)},
                          .elems = {{1, {0, 1}}, {2, {0, 0}}},
                          .escaping = {0}};
  Guest guest(made);
  const auto done = guest.instance->initialize();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::table_out_of_bounds);
  const auto elements = guest.instance->table(0).elements();
  EXPECT_EQ(elements[0], nullptr);
  EXPECT_EQ(elements[1], guest.instance->function(0));
  EXPECT_EQ(elements[2], guest.instance->function(1)) << "one that is not in `escaping` too";
  abi::Value result;
  const abi::Value args[] = {i32(2), i32(3)};
  ASSERT_TRUE(Function(static_cast<const abi::FuncRef*>(elements[1])).call(args, {&result, 1}));
  EXPECT_EQ(result.i32, 5u);
}

TEST(Instance, runs_its_start_function) {
  TestArtifact made{.functions = {{{}, CODE(trap), {{guest_trap_at, Trap::unreachable}}, "start"}}};
  made.start = 0;
  Guest guest(made);
  const auto done = guest.instance->initialize();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::unreachable);
  EXPECT_EQ(to_string(guest.store->backtrace()), "    0: 0x00000100 start\n");
}

TEST(Instance, evaluates_constant_expressions) {
  struct Case {
    wasm::ValType type;
    std::vector<uint8_t> code;
    uint64_t bits;
  };
  const Case cases[] = {
      {kI32, {0x41, 0x7f, 0x0b}, 0xffffffff},
      {kI64, {0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f, 0x0b}, 0x8000000000000000},
      {kF32, {0x43, 1, 2, 3, 4, 0x0b}, 0x04030201},
      {kI32, {0x23, 0x00, 0x41, 0x02, 0x6b, 0x41, 0x03, 0x6c, 0x0b}, 0xfffffff7},
      {kI64, {0x42, 0x05, 0x42, 0x06, 0x7e, 0x42, 0x01, 0x7c, 0x42, 0x20, 0x7d, 0x0b}, ~uint64_t{0}},
      {wasm::kFuncref, {0xd0, 0x70, 0x0b}, 0},
  };
  TestArtifact made;
  for (const Case& c : cases) made.globals.push_back({test::global_type(c.type, false), c.code});
  Guest guest(made);
  for (size_t i = 0; i < std::size(cases); ++i) {
    EXPECT_EQ(guest.instance->global(static_cast<uint32_t>(i)).value->i64, cases[i].bits) << i;
  }
}

TEST(Table, grows_within_its_limits_and_fills) {
  const auto store = std::move(*Store::create({}));
  int marker = 0;
  Table& table = **store->create_table({wasm::kExternref, {1, 600}, wasm::AddressType::i32}, &marker);
  EXPECT_EQ(table.elements()[0], &marker);
  EXPECT_EQ(table.grow(598, nullptr), 1u);
  EXPECT_EQ(table.grow(2, &marker), std::nullopt);
  EXPECT_EQ(table.grow(1, &marker), 599u);
  EXPECT_EQ(table.elements()[598], nullptr);
  EXPECT_EQ(table.elements()[599], &marker);
  EXPECT_TRUE(table.slice(599, 1));
  EXPECT_FALSE(table.slice(600, 1));
  EXPECT_FALSE(table.slice(1, ~uint64_t{0}));
  const auto large = store->create_table({wasm::kFuncref, {10'000'001, {}}, wasm::AddressType::i32}, nullptr);
  EXPECT_EQ(large.error().message, "a table of 10000001 elements is too large");
}

TEST(TypeRegistry, gives_equal_types_one_id_from_every_thread) {
  constexpr int kTypes = 3'000;
  const auto type = [](int n) {
    wasm::FuncType made;
    for (int bit = 0; bit < 12; ++bit) made.params.push_back(n >> bit & 1 ? kI32 : kI64);
    return made;
  };
  std::vector<std::vector<uint32_t>> ids(4);
  std::vector<std::thread> threads;
  for (auto& mine : ids) {
    threads.emplace_back([&] {
      for (int n = 0; n < kTypes; ++n) {
        const uint32_t id = TypeRegistry::process().id_of(type(n));
        mine.push_back(id);
        ASSERT_EQ(TypeRegistry::process().signature(id).type, type(n));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : ids) EXPECT_EQ(mine, ids[0]);
}

}  // namespace
}  // namespace wherry::runtime
