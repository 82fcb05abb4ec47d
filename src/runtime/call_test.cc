// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>

#include "runtime/instance.h"
#include "runtime/store.h"
#include "runtime/test_artifact.h"
#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::f64;
using test::Guest;
using test::i32;
using test::i64;
using test::TestArtifact;
using wasm::kF32;
using wasm::kF64;
using wasm::kI32;
using wasm::kI64;
using wasm::kV128;

const wasm::FuncType kManyType{{kI64, kI64, kI64, kI64, kI64, kI64, kF64, kF64, kF64, kF64, kF64, kF64, kF64, kF64,
                                kF64, kF64, kV128},
                               {kI64}};

std::vector<abi::Value> many_args() {
  std::vector<abi::Value> args;
  for (int i = 1; i <= 6; ++i) args.push_back(i64(i));
  for (int i = 1; i <= 10; ++i) args.push_back(f64(i * 1000));
  args.push_back(i64(1'000'000));
  return args;
}
constexpr uint64_t kManySum = 1 + 4 + 9 + 16 + 25 + 36 + 55'000 + 1'000'000;

TEST(Call, passes_integers_and_zero_extends_the_result) {
  Guest guest({.functions = {{{{kI32, kI32}, {kI32}}, CODE(add), {}, "add"}}});
  ASSERT_TRUE(guest.call("f0", {i64(0xffffffff'00000002), i64(0x1'fffffffff)}, 1));
  EXPECT_EQ(guest.result[0].i64, 1u);
}

TEST(Call, passes_stack_parameters_and_vectors) {
  Guest guest({.functions = {{kManyType, CODE(many), {}, "many"}}});
  ASSERT_TRUE(guest.call("f0", many_args(), 1));
  EXPECT_EQ(guest.result[0].i64, kManySum);
}

TEST(Call, passes_a_single_stack_parameter) {
  Guest guest({.functions = {{{{kI64, kI64, kI64, kI64, kI64}, {kI64}}, CODE(fifth), {}, "fifth"}}});
  ASSERT_TRUE(guest.call("f0", {i64(1), i64(2), i64(3), i64(4), i64(77)}, 1));
  EXPECT_EQ(guest.result[0].i64, 77u);
}

TEST(Call, returns_more_than_three_results_through_their_area) {
  Guest guest({.functions = {{{{}, {kI64, kI64, kI64, kI64, kI64}}, CODE(five), {}, "five"}}});
  ASSERT_TRUE(guest.call("f0", {}, 5));
  for (uint64_t i = 0; i < 5; ++i) EXPECT_EQ(guest.result[i].i64, i + 1);
}

TestArtifact::Import import_of(const wasm::FuncType& type) { return {"env", "f", abi::kFunc, {}, type}; }

TEST(HostFunction, gets_integers_and_the_callers_memory) {
  const wasm::FuncType type{{kI32}, {kI32}};
  Linker linker;
  int calls = 0;
  linker.define("env", "f", type, [](void* data, HostCall& call) -> Result<void, Trap> {
    ++*static_cast<int*>(data);
    const auto bytes = TRY(call.slice(call.args[0].i32, 1));
    call.results[0].i32 = bytes[0];
    return {};
  }, &calls);
  Guest guest({.imports = {import_of(type)},
               .functions = {{type, CODE(call_import), {}, "outer"}},
               .memories = {test::memory_type(1)},
               .datas = {{7, "x"}}},
              linker);
  ASSERT_TRUE(guest.instance->initialize());
  ASSERT_TRUE(guest.call("f1", {i32(7)}, 1));
  EXPECT_EQ(guest.result[0].i64, 'x');
  EXPECT_EQ(calls, 1);

  const auto outside = guest.call("f1", {i32(65536)}, 1);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error(), Trap::memory_out_of_bounds);
  const auto frames = guest.store->backtrace();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].function, 1u);
  EXPECT_EQ(frames[0].name, "outer");
}

TEST(HostFunction, gets_every_kind_of_parameter) {
  Linker linker;
  linker.define("env", "f", kManyType, [](void*, HostCall& call) -> Result<void, Trap> {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 6; ++i) sum += (i + 1) * call.args[i].i64;
    for (uint64_t i = 6; i < 16; ++i) sum += static_cast<uint64_t>(call.args[i].f64);
    call.results[0].i64 = sum + call.args[16].i64;
    return {};
  }, nullptr);
  Guest guest({.imports = {import_of(kManyType)}, .functions = {{kManyType, CODE(tail_import), {}, "tail"}}}, linker);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(guest.call("f1", many_args(), 1));
    EXPECT_EQ(guest.result[0].i64, kManySum);
  }
  ASSERT_TRUE(guest.call("f0", many_args(), 1)) << "the host may call an imported host function itself";
  EXPECT_EQ(guest.result[0].i64, kManySum);
}

TEST(HostFunction, returns_up_to_three_results_in_registers_and_more_in_memory) {
  for (const size_t count : {2, 3, 4, 7}) {
    SCOPED_TRACE(count);
    wasm::FuncType type;
    for (size_t i = 0; i < count; ++i) type.results.push_back(i % 2 ? kF64 : kI64);
    Linker linker;
    linker.define("env", "f", type, [](void*, HostCall& call) -> Result<void, Trap> {
      for (size_t i = 0; i < call.results.size(); ++i) {
        if (i % 2) call.results[i].f64 = static_cast<double>(i);
        else call.results[i].i64 = i;
      }
      return {};
    }, nullptr);
    Guest guest({.imports = {import_of(type)}, .functions = {{type, CODE(tail_import), {}, "tail"}}}, linker);
    ASSERT_TRUE(guest.call("f1", {}, count));
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(guest.result[i].i64, i % 2 ? std::bit_cast<uint64_t>(static_cast<double>(i)) : i);
    }
  }
}

// The host function calls the guest again, `depth` times deep.
struct Nested {
  Guest* guest = nullptr;
  int depth = 0;
  Trap last{};

  static Result<void, Trap> call(void* data, HostCall& call) {
    auto& self = *static_cast<Nested*>(data);
    if (self.depth-- == 0) return Trap::host_error;
    abi::Value result;
    TRY(self.guest->instance->exported_function("f1")->call(call.args, {&result, 1}));
    call.results[0] = result;
    return {};
  }
};

TEST(HostFunction, may_call_the_guest_and_passes_its_trap_on) {
  const wasm::FuncType type{{kI32}, {kI32}};
  Linker linker;
  Nested nested;
  linker.define("env", "f", type, Nested::call, &nested);
  Guest guest({.imports = {import_of(type)}, .functions = {{type, CODE(call_import), {}, "outer"}}}, linker);
  nested.guest = &guest;
  nested.depth = 9;
  const auto called = guest.call("f1", {i32(1)}, 1);
  ASSERT_FALSE(called);
  EXPECT_EQ(called.error(), Trap::host_error);
  EXPECT_EQ(guest.store->backtrace().size(), 10u) << to_string(guest.store->backtrace());
  EXPECT_EQ(guest.store->context().host_rsp, nullptr);
  EXPECT_EQ(guest.store->context().guest_rsp, guest.store->stack().top());
}

TEST(HostFunction, can_not_exhaust_the_hosts_stack) {
  const wasm::FuncType type{{kI32}, {kI32}};
  Linker linker;
  Nested nested;
  linker.define("env", "f", type, Nested::call, &nested);
  Guest guest({.imports = {import_of(type)}, .functions = {{type, CODE(call_import), {}, "outer"}}}, linker,
              {.max_stack = 64 << 20});
  nested.guest = &guest;
  nested.depth = 1'000'000;
  const auto called = guest.call("f1", {i32(1)}, 1);
  ASSERT_FALSE(called);
  EXPECT_EQ(called.error(), Trap::call_stack_exhausted);
  EXPECT_GT(1'000'000 - nested.depth, 100) << "there is room for a reasonable depth";
}

TEST(Libcall, grows_memory_and_returns_minus_one_as_64_bits_at_the_limit) {
  Guest guest({.functions = {{{{kI32}, {kI64}}, CODE(grow), {}, "grow"}}, .memories = {test::memory_type(1)}}, {},
              {.max_memory = 3 * wasm::kPageSize});
  ASSERT_TRUE(guest.call("f0", {i32(2)}, 1));
  EXPECT_EQ(guest.result[0].i64, 1u);
  ASSERT_TRUE(guest.call("f0", {i32(0)}, 1));
  EXPECT_EQ(guest.result[0].i64, 3u);
  ASSERT_TRUE(guest.call("f0", {i32(1)}, 1));
  EXPECT_EQ(guest.result[0].i64, ~uint64_t{0});
  EXPECT_EQ(guest.instance->exported_memory("memory")->size(), 3 * wasm::kPageSize);
}

}  // namespace
}  // namespace wherry::runtime
