// SPDX-License-Identifier: Apache-2.0
#include "shim/task/denial_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace wherry::shim {
namespace {

class DenialLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC | O_NONBLOCK), 0);
    out_.reset(pipe[0]);
    log_ = std::make_unique<Log>(UniqueFd(pipe[1]), Level::info, "ns", "pod");
    loop_ = std::move(*EventLoop::create());
  }

  void run_for(std::chrono::milliseconds time) {
    loop_->after(time, [&] { loop_->stop(); });
    loop_->run();
  }

  std::string logged() {
    std::string text(1 << 16, '\0');
    const ssize_t size = ::read(out_.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  UniqueFd out_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<EventLoop> loop_;
};

TEST_F(DenialLogTest, writes_whose_guest_was_denied_what) {
  const auto denials = DenialLog::create(*loop_, *log_, {"c1", "default/web", "main"});
  ASSERT_TRUE(denials) << denials.error().message;
  ASSERT_EQ(::send((*denials)->writer(), "egress 1.2.3.4:5/tcp", 20, MSG_DONTWAIT), 20);
  run_for(std::chrono::milliseconds(50));
  const std::string text = logged();
  EXPECT_NE(text.find("the guest was denied: egress 1.2.3.4:5/tcp"), std::string::npos) << text;
  EXPECT_NE(text.find("default/web"), std::string::npos) << text;
}

TEST_F(DenialLogTest, rests_after_some_lines) {
  const auto denials = DenialLog::create(*loop_, *log_, {"c1", "", ""});
  ASSERT_TRUE(denials);
  int sent = 0;
  while (::send((*denials)->writer(), "path x", 6, MSG_DONTWAIT) == 6 && sent < 1000) sent++;
  EXPECT_LT(sent, 1000) << "a flood must find the socket full";
  run_for(std::chrono::milliseconds(100));
  const std::string text = logged();
  const auto lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_GE(lines, 1);
  EXPECT_LE(lines, 16);
}

TEST_F(DenialLogTest, is_forgotten_with_its_container) {
  { const auto denials = DenialLog::create(*loop_, *log_, {"c1", "", ""}); }
  run_for(std::chrono::milliseconds(20));
  EXPECT_EQ(logged(), "");
}

}  // namespace
}  // namespace wherry::shim
