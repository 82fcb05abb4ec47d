// SPDX-License-Identifier: Apache-2.0
#include "shim/solitude.h"

#include <gtest/gtest.h>

namespace wherry::shim {
namespace {

using namespace std::chrono_literals;

class SolitudeTest : public ::testing::Test {
 protected:
  // Runs the loop for a while.
  void pass(std::chrono::milliseconds time) {
    loop_->after(time, [this] { loop_->stop(); });
    loop_->run();
  }

  const std::unique_ptr<EventLoop> loop_ = std::move(*EventLoop::create());
  size_t clients_ = 0;
  int ends_ = 0;
  Solitude solitude_{*loop_, [this] { return clients_; }, [this] { ends_++; }, 20ms};
};

TEST_F(SolitudeTest, ends_a_shim_that_nobody_calls) {
  solitude_.begins();
  pass(60ms);
  EXPECT_EQ(ends_, 1);
}

TEST_F(SolitudeTest, is_none_with_a_client) {
  solitude_.begins();
  clients_ = 1;
  solitude_.begins();  // one of two is gone
  pass(60ms);
  EXPECT_EQ(ends_, 0);
  clients_ = 0;
  solitude_.begins();
  pass(60ms);
  EXPECT_EQ(ends_, 1);
}

TEST_F(SolitudeTest, begins_again_with_each_client_that_is_gone) {
  solitude_.begins();
  pass(12ms);
  solitude_.begins();
  pass(12ms);
  EXPECT_EQ(ends_, 0);
  pass(60ms);
  EXPECT_EQ(ends_, 1);
}

}  // namespace
}  // namespace wherry::shim
