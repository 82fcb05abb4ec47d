// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "base/result.h"

namespace wherry::shim {

// Runs jobs that may block on at most `limit` threads, made when there is work
// and gone after some idle seconds, so that an idle shim has none.
class WorkerPool {
 public:
  static std::unique_ptr<WorkerPool> create(size_t limit);
  // Waits for the running jobs; those not begun are dropped.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Any thread.
  void submit(std::function<void()> job);

 private:
  explicit WorkerPool(size_t limit) : limit_(limit) {}
  static void* thread_main(void* pool);
  void work();
  bool start_thread();

  const size_t limit_;
  std::mutex mutex_;
  std::condition_variable work_came_;
  std::condition_variable thread_left_;
  std::deque<std::function<void()>> jobs_;
  size_t threads_ = 0;
  size_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace wherry::shim
