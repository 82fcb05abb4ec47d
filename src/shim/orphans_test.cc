// SPDX-License-Identifier: Apache-2.0
#include "shim/orphans.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace wherry::shim {
namespace {

class OrphansTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &set, &old_);
    loop_ = std::move(*EventLoop::create());
  }
  void TearDown() override { ::sigprocmask(SIG_SETMASK, &old_, nullptr); }

  void run_for(int milliseconds) {
    loop_->after(std::chrono::milliseconds(milliseconds), [&] { loop_->stop(); });
    loop_->run();
  }

  sigset_t old_;
  std::unique_ptr<EventLoop> loop_;
};

// A child of ours ends, and its own child with it, whose parent we become.
TEST_F(OrphansTest, are_reaped_after_a_while) {
  int is_subreaper = 0;
  ::prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto orphans = Orphans::create(*loop_, std::chrono::milliseconds(20));
  ASSERT_TRUE(orphans) << orphans.error().message;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::fork() == 0) ::usleep(10'000);
    ::_exit(0);
  }
  run_for(500);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD) << "a zombie is left";
  ::prctl(PR_SET_CHILD_SUBREAPER, is_subreaper);
}

TEST_F(OrphansTest, are_not_what_somebody_waits_for) {
  const auto orphans = Orphans::create(*loop_, std::chrono::milliseconds(10'000));
  ASSERT_TRUE(orphans);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(7);
  run_for(50);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

}  // namespace
}  // namespace wherry::shim
