// SPDX-License-Identifier: Apache-2.0
#include "shim/solitude.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>

namespace wherry::shim {
namespace {

using namespace std::chrono_literals;

class SolitudeTest : public ::testing::Test {
 protected:
  void at(std::chrono::milliseconds time, std::function<void()> action) { loop_->after(time, std::move(action)); }
  void run_until(std::chrono::milliseconds time) {
    at(time, [this] { loop_->stop(); });
    loop_->run();
  }

  const std::unique_ptr<EventLoop> loop_ = std::move(*EventLoop::create());
  size_t clients_ = 0;
  int ends_ = 0;
  Solitude solitude_{*loop_, [this] { return clients_; }, [this] { ends_++; }, 50ms};
};

TEST_F(SolitudeTest, ends_a_shim_that_nobody_calls) {
  solitude_.begins();
  run_until(200ms);
  EXPECT_EQ(ends_, 1);
}

TEST_F(SolitudeTest, is_none_with_a_client) {
  solitude_.begins();
  clients_ = 1;
  solitude_.begins();  // one of two is gone
  at(150ms, [this] {
    EXPECT_EQ(ends_, 0);
    clients_ = 0;
    solitude_.begins();
  });
  run_until(400ms);
  EXPECT_EQ(ends_, 1);
}

TEST_F(SolitudeTest, begins_again_with_each_client_that_is_gone) {
  const auto begun = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration lasted{};
  Solitude patient(*loop_, [] { return size_t{0}; }, [&] { lasted = std::chrono::steady_clock::now() - begun; }, 50ms);
  patient.begins();
  at(30ms, [&] { patient.begins(); });
  run_until(200ms);
  EXPECT_GE(lasted, 80ms);
}

}  // namespace
}  // namespace wherry::shim
