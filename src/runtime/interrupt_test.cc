// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "runtime/instance.h"
#include "runtime/signals.h"
#include "runtime/store.h"
#include "runtime/test_artifact.h"
#include "runtime/test_guest.h"

namespace wherry::runtime {
namespace {

using test::Guest;
using test::i32;
using test::TestArtifact;
using wasm::kI32;

const wasm::FuncType kNothing{};

Result<void, Trap> do_nothing(void*, HostCall&) { return {}; }

// Busy for a short random time, so that a run's interrupts come at any moment.
void spin(std::minstd_rand& random) {
  for (uint32_t left = random() % 2000; left != 0; --left) asm volatile("");
}

// Runs a function up to `rounds` times, each ended by another thread's interrupt;
// fewer on a busy machine. A lost one hangs, which the test runner's time limit ends.
void interrupt_many_times(const TestArtifact& made, const Linker& linker, const char* name, int rounds) {
  Guest guest(made, linker);
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  std::atomic<int> round{0};
  std::thread sender([&] {
    std::minstd_rand random(7);
    for (int next = 1;; ++next) {
      while (round.load() != next && round.load() >= 0) std::this_thread::yield();
      if (round.load() < 0) return;
      spin(random);
      guest.store->interrupt(static_cast<uint32_t>(next));
    }
  });
  std::minstd_rand random(8);
  for (int next = 1; next <= rounds && std::chrono::steady_clock::now() < enough; ++next) {
    round.store(next);
    spin(random);
    const auto done = guest.call(name);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), Trap::interrupted);
    EXPECT_EQ(guest.store->interrupt_reason(), static_cast<uint32_t>(next));
    // The sender may still be about to send its signal; it then finds nothing to do.
    guest.store->clear_interrupt();
    EXPECT_EQ(guest.store->context().guest_rsp, guest.store->stack().top());
  }
  round.store(-1);
  sender.join();
}

constexpr int kRounds = 5'000;

TEST(Interrupt, stops_a_loop_at_any_moment) {
  interrupt_many_times({.functions = {{kNothing, CODE(loop)}}}, {}, "f0", kRounds);
}

TEST(Interrupt, stops_a_loop_of_short_host_calls_at_any_moment) {
  Linker linker;
  linker.define("env", "f", kNothing, do_nothing, nullptr);
  interrupt_many_times({.imports = {{"env", "f", abi::kFunc, {}, kNothing}}, .functions = {{kNothing, CODE(loop_import)}}},
                       linker, "f1", kRounds);
}

TEST(Interrupt, stops_a_loop_of_libcalls_at_any_moment) {
  interrupt_many_times({.functions = {{kNothing, CODE(loop_grow)}}, .memories = {test::memory_type(0)}}, {}, "f0",
                       kRounds);
}

TEST(Interrupt, stops_a_host_that_enters_again_and_again) {
  Guest guest({.functions = {{{{kI32, kI32}, {kI32}}, CODE(add)}}});
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> go{false};
    std::thread sender([&] {
      while (!go.load()) std::this_thread::yield();
      guest.store->interrupt(1);
    });
    go.store(true);
    uint64_t calls = 0;
    for (;; ++calls) {
      const auto done = guest.call("f0", {i32(1), i32(2)}, 1);
      if (!done) {
        ASSERT_EQ(done.error(), Trap::interrupted);
        break;
      }
      ASSERT_EQ(guest.result[0].i32, 3u);
    }
    sender.join();
    guest.store->clear_interrupt();
  }
}

TEST(Interrupt, wakes_a_host_call_that_waits_on_the_wake_descriptor) {
  Linker linker;
  linker.define("env", "f", kNothing, [](void*, HostCall& call) -> Result<void, Trap> {
    auto fd = call.store().wake_fd();
    pollfd waiting{*fd, POLLIN, 0};
    while (ppoll(&waiting, 1, nullptr, nullptr) < 0) {
    }
    return {};
  }, nullptr);
  interrupt_many_times({.imports = {{"env", "f", abi::kFunc, {}, kNothing}}, .functions = {{kNothing, CODE(loop_import)}}},
                       linker, "f1", 1'000);
}

TEST(Interrupt, before_the_call_prevents_it) {
  Guest guest({.functions = {{kNothing, CODE(loop)}}});
  guest.store->interrupt(9);
  guest.store->interrupt(10);
  const auto done = guest.call("f0");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), Trap::interrupted);
  EXPECT_EQ(guest.store->interrupt_reason(), 9u) << "the first reason counts";
}

// The guest's thread itself takes a signal, whose handler interrupts the store.
std::atomic<Store*> to_interrupt{nullptr};

void interrupt_on_timer(int flags) {
  Linker linker;
  linker.define("env", "f", kNothing, do_nothing, nullptr);
  Guest guest({.imports = {{"env", "f", abi::kFunc, {}, kNothing}},
               .functions = {{kNothing, CODE(loop)}, {kNothing, CODE(loop_import)}}},
              linker);
  struct sigaction action {}, before {};
  action.sa_flags = flags;
  action.sa_handler = [](int) {
    if (Store* const store = to_interrupt.load()) store->interrupt(3);
  };
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  for (int round = 0; round < 100; ++round) {
    to_interrupt.store(guest.store.get());
    const itimerval soon{{0, 0}, {0, 50 + round % 100}};
    ASSERT_EQ(setitimer(ITIMER_REAL, &soon, nullptr), 0);
    const auto done = guest.call(round % 2 ? "f1" : "f2");
    to_interrupt.store(nullptr);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error(), Trap::interrupted);
    guest.store->clear_interrupt();
  }
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_FALSE(sigismember(&blocked, interrupt_signal())) << "the handler's mask does not stay";
  sigaction(SIGALRM, &before, nullptr);
}

TEST(Interrupt, comes_from_a_signal_handler_on_the_alternate_stack) { interrupt_on_timer(SA_ONSTACK); }
TEST(Interrupt, comes_from_a_signal_handler_on_the_guests_stack) { interrupt_on_timer(0); }

TEST(Interrupt, reaches_a_thread_that_blocked_every_signal) {
  Guest guest({.functions = {{kNothing, CODE(loop)}}});
  std::thread runner([&] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    EXPECT_FALSE(guest.call("f0"));
  });
  while (guest.store->context().thread.load() == 0) std::this_thread::yield();
  guest.store->interrupt(1);
  runner.join();
}

TEST(Interrupt, reaches_a_process_that_was_forked) {
  Guest guest({.functions = {{kNothing, CODE(loop)}, {kNothing, CODE(trap), {{guest_trap_at, Trap::unreachable}}}}});
  ASSERT_FALSE(guest.call("f1"));  // this thread has its id from now on
  const pid_t pid = fork();
  if (pid == 0) {
    std::thread sender([&] {
      while (guest.store->context().thread.load() == 0) std::this_thread::yield();
      guest.store->interrupt(1);
    });
    const auto done = guest.call("f0");
    sender.join();
    _exit(!done && done.error() == Trap::interrupted ? 7 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

TEST(Interrupt, tells_where_the_guest_was) {
  Guest guest({.functions = {{kNothing, CODE(loop), {}, "spin"}}});
  std::thread sender([&] {
    while (guest.store->context().thread.load() == 0) std::this_thread::yield();
    guest.store->interrupt(1);
  });
  const auto done = guest.call("f0");
  sender.join();
  ASSERT_FALSE(done);
  EXPECT_LE(guest.store->backtrace().size(), 1u);
  for (const Frame& frame : guest.store->backtrace()) EXPECT_EQ(frame.name, "spin");
}

}  // namespace
}  // namespace wherry::runtime
