// SPDX-License-Identifier: Apache-2.0
#include "runtime/signals.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "runtime/instance.h"
#include "runtime/store.h"
#include "runtime/test_artifact.h"
#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::Guest;
using test::i32;
using test::i64;
using test::TestArtifact;
using wasm::kI32;
using wasm::kI64;

const wasm::FuncType kNothing{};

TEST(Fault, is_the_trap_that_the_table_says) {
  Guest guest({.functions = {{kNothing, CODE(trap), {{guest_trap_at, Trap::unreachable}}, "boom"},
                             {{{kI32, kI32}, {kI32}}, CODE(divide), {{guest_divide_at, Trap::integer_divide_by_zero}}},
                             {kNothing, CODE(null_load), {{guest_null_load_at, Trap::uninitialized_element}}}}});
  auto done = guest.call("f0");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::unreachable);
  EXPECT_EQ(to_string(guest.store->backtrace()), "    0: 0x00000100 boom\n");

  done = guest.call("f1", {i32(7), i32(0)}, 1);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::integer_divide_by_zero);
  EXPECT_EQ(to_string(guest.store->backtrace()), "    0: 0x00000200 function 1\n");
  ASSERT_TRUE(guest.call("f1", {i32(7), i32(2)}, 1));
  EXPECT_EQ(guest.result[0].i32, 3u);

  done = guest.call("f2");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::uninitialized_element);
}

TEST(Fault, is_out_of_bounds_only_past_the_end_of_the_memory) {
  Guest guest({.functions = {{{{kI32}, {kI64}}, CODE(load)}}, .memories = {test::memory_type(1)}});
  ASSERT_TRUE(guest.call("f0", {i32(65528)}, 1));
  for (const uint32_t address : {65529u, 65535u, 65536u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    SCOPED_TRACE(address);
    const auto done = guest.call("f0", {i32(address)}, 1);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), Trap::memory_out_of_bounds);
  }
  EXPECT_EQ(guest.store->fault().frame_count, 1u);
  ASSERT_TRUE(guest.instance->exported_memory("memory")->grow(1));
  ASSERT_TRUE(guest.call("f0", {i32(65529)}, 1));
  ASSERT_FALSE(guest.call("f0", {i32(131065)}, 1));
}

TEST(Fault, in_the_stacks_guard_is_an_exhausted_call_stack) {
  Guest guest({.functions = {{kNothing, CODE(recurse)}, {kNothing, CODE(big_frames)}}}, {}, {.max_stack = 8 << 20});
  for (const char* name : {"f0", "f1", "f0"}) {
    const auto done = guest.call(name);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), Trap::call_stack_exhausted);
  }
  EXPECT_EQ(guest.store->fault().frame_count, Fault::kMaxFrames);
  EXPECT_TRUE(guest.store->fault().truncated);
}

// The handlers are installed before the test's process is copied.
class FaultDeathTest : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(FaultDeathTest, of_the_host_is_never_a_trap) {
  Linker linker;
  linker.define("env", "f", kNothing, [](void* data, HostCall&) -> Result<void, Trap> {
    *static_cast<volatile int*>(data) = 1;
    return {};
  }, reinterpret_cast<void*>(64));
  EXPECT_DEATH(
      {
        Guest guest({.imports = {{"env", "f", abi::kFunc, {}, kNothing}}, .functions = {{kNothing, CODE(tail_import)}}},
                    linker);
        (void)guest.call("f1");
      },
      "wherry: fatal signal 11 at pc 0x[0-9a-f]* address 0x0000000000000040, not caused by the guest");
}

TEST_F(FaultDeathTest, of_the_host_in_a_guests_memory_is_never_a_trap) {
  Linker linker;
  linker.define("env", "f", kNothing, [](void*, HostCall& call) -> Result<void, Trap> {
    const_cast<volatile uint8_t*>(call.memory().data())[call.memory().size()] = 1;
    return {};
  }, nullptr);
  EXPECT_DEATH(
      {
        Guest guest({.imports = {{"env", "f", abi::kFunc, {}, kNothing}},
                     .functions = {{kNothing, CODE(tail_import)}},
                     .memories = {test::memory_type(1)}},
                    linker);
        (void)guest.call("f1");
      },
      "not caused by the guest");
}

TEST_F(FaultDeathTest, of_the_guest_outside_its_memories_is_never_a_trap) {
  static char* const foreign =
      static_cast<char*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  EXPECT_DEATH(
      {
        Guest guest({.functions = {{{{kI64}, {}}, CODE(wild_load)}}, .memories = {test::memory_type(1)}});
        (void)guest.call("f0", {i64(reinterpret_cast<uint64_t>(foreign))});
      },
      "not caused by the guest");
}

TEST_F(FaultDeathTest, of_the_guest_in_another_stores_memory_is_never_a_trap) {
  const TestArtifact made{.functions = {{{{kI64}, {}}, CODE(wild_load)}}, .memories = {test::memory_type(1)}};
  EXPECT_DEATH(
      {
        Guest guest(made);
        Guest other(made);
        const uint8_t* const end = other.instance->exported_memory("memory")->base() + wasm::kPageSize;
        (void)guest.call("f0", {i64(reinterpret_cast<uint64_t>(end))});
      },
      "not caused by the guest");
}

TEST_F(FaultDeathTest, without_an_entry_in_the_trap_table_is_never_a_trap) {
  EXPECT_DEATH(
      {
        Guest guest({.functions = {{kNothing, CODE(trap)}}});
        (void)guest.call("f0");
      },
      "fatal signal 04");
  EXPECT_DEATH(
      {
        Guest guest({.functions = {{kNothing, CODE(null_load)}}});
        (void)guest.call("f0");
      },
      "fatal signal 11");
}

TEST_F(FaultDeathTest, that_is_sent_is_not_a_fault) {
  EXPECT_EXIT(
      {
        Guest guest({});
        kill(getpid(), SIGSEGV);
        _exit(0);
      },
      testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(FaultDeathTest, of_others_goes_to_the_handler_that_was_there) {
  EXPECT_EXIT(
      {
        struct sigaction action {};
        action.sa_handler = [](int) { _exit(42); };
        sigaction(SIGSEGV, &action, nullptr);
        Guest guest({});
        *reinterpret_cast<volatile char*>(getpid()) = 1;  // no address that the compiler knows
      },
      testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace wherry::runtime
