// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace wherry::baseline {

// Counts the bytes of function bodies that are finished, and tells how far it is:
// once the first are, and then at most once in an interval. Told by the thread that
// happens to finish something, one at a time.
class Progress {
 public:
  using Tell = std::function<void(uint64_t done, uint64_t total)>;

  Progress(std::chrono::milliseconds interval, Tell tell) : interval_(interval), tell_(std::move(tell)) {}

  // Before the threads start.
  void start(uint64_t total) { total_ = total; }
  void add(uint64_t bytes) {
    const uint64_t done = done_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    const int64_t now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
    int64_t next = next_.load(std::memory_order_relaxed);
    if (now >= next && next_.compare_exchange_strong(next, now + interval_.count())) tell_(done, total_);
  }

 private:
  const std::chrono::milliseconds interval_;
  const Tell tell_;
  uint64_t total_ = 0;
  std::atomic<uint64_t> done_{0};
  std::atomic<int64_t> next_{0};
};

}  // namespace wherry::baseline
