// SPDX-License-Identifier: Apache-2.0
// Containers and the process that launches them.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <thread>

#include "base/fd.h"
#include "sandbox/pidfd.h"
#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

bool ends(int pidfd, int milliseconds) {
  pollfd event{pidfd, POLLIN, 0};
  return ::poll(&event, 1, milliseconds) == 1;
}

TEST(Launcher, its_containers_die_with_it) {
  SKIP_UNLESS_ROOT();
  for (const bool started : {false, true}) {
    for (const uint32_t user : {0u, 1000u}) {  // a change of user clears the death signal
      int pipe[2];
      ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
      const int shim = ::fork();
      if (shim == 0) {
        TestContainer container;
        container.spec["process"]["user"]["uid"] = user;
        container.run_probe({"hold"});
        const int pid = container.launch() ? container.init().pid() : -1;
        if (started) (void)container.init().start();
        (void)!::write(pipe[1], &pid, sizeof pid);
        for (;;) ::pause();
      }
      int pid = -1;
      ASSERT_EQ(::read(pipe[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
      ASSERT_GT(pid, 0);
      const UniqueFd container(open_pidfd(pid));
      ASSERT_TRUE(container);
      EXPECT_FALSE(ends(container.get(), 0));
      ::kill(shim, SIGKILL);
      ::waitpid(shim, nullptr, 0);
      EXPECT_TRUE(ends(container.get(), 5000));
      // This process is a subreaper if it has launched something itself.
      siginfo_t info;
      ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(container.get()), &info, WEXITED);
      ::close(pipe[0]);
      ::close(pipe[1]);
    }
  }
}

// Its words, each with the zero that ends it; there may be more zeros.
std::string title_of(int pid) {
  const auto title = read_file("/proc/" + std::to_string(pid) + "/cmdline", 1 << 16);
  return title ? title->substr(0, title->find_last_not_of('\0') + 2) : title.error().message;
}

TEST(Launcher, containers_are_called_what_their_programs_are) {
  SKIP_UNLESS_ROOT();
  const std::string longest(5000, 'x');
  for (const auto& [args, title] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"hold"}, {"hold\0", 5}},
           {{"hold", "", "two words"}, {"hold\0\0two words\0", 16}},
           {{"hold", longest}, "hold" + std::string(1, '\0') + longest}}) {
    TestContainer container;
    container.run_probe(args);
    ASSERT_TRUE(container.launch());
    const std::string shown = title_of(container.init().pid());
    EXPECT_EQ(shown.substr(0, 4096), title.substr(0, 4096));
    EXPECT_LT(shown.size(), 4200u);
    const auto exec = container.exec(args);
    ASSERT_TRUE(exec);
    EXPECT_EQ(title_of((*exec)->process().pid()).substr(0, 4096), title.substr(0, 4096));
  }
}

TEST(Launcher, containers_outlive_the_thread_that_asked_for_them) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.run_probe({"exit", "7"});
  Result<void> launched;
  std::thread([&] { launched = container.launch(); }).join();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_FALSE(ends(container.init().pidfd(), 50));
  EXPECT_EQ(container.finish().code, 7);
}

TEST(Launcher, several_at_once) {
  SKIP_UNLESS_ROOT();
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  std::vector<int> codes(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&codes, i] {
      for (int round = 0; round < 3; ++round) {
        TestContainer container;
        container.run_probe({"exit", std::to_string(i)});
        codes[static_cast<size_t>(i)] = container.run().code;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(codes[static_cast<size_t>(i)], i);
}

TEST(Launcher, leaves_no_process_behind_a_failure) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.run_probe({"fail-to-load"});
  ASSERT_FALSE(container.launch());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Launcher, container_that_is_killed_while_set_up_is_an_error) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["hooks"]["createRuntime"] = {
      {{"path", "/bin/sh"}, {"args", {"sh", "-c", "read -r line; pid=${line#*\\\"pid\\\":}; kill -9 ${pid%%[,\\}]*}"}}}};
  const auto launched = container.launch();
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().message, "the container's process was killed by signal 9 while it was set up (out of memory?)");
}

}  // namespace
}  // namespace wherry::sandbox
