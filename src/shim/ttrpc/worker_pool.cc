// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/worker_pool.h"

#include <pthread.h>

#include <chrono>

namespace wherry::shim {
namespace {
constexpr std::chrono::seconds kIdleTime{10};
constexpr size_t kStackSize = 512 << 10;
}  // namespace

std::unique_ptr<WorkerPool> WorkerPool::create(size_t limit) { return std::unique_ptr<WorkerPool>(new WorkerPool(limit)); }

WorkerPool::~WorkerPool() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  jobs_.clear();
  work_came_.notify_all();
  thread_left_.wait(lock, [this] { return threads_ == 0; });
}

void WorkerPool::submit(std::function<void()> job) {
  std::unique_lock lock(mutex_);
  if (closing_) return;
  jobs_.push_back(std::move(job));
  if (idle_ >= jobs_.size()) {
    lock.unlock();
    return work_came_.notify_one();
  }
  if (threads_ >= limit_ || start_thread() || threads_ > 0) return;
  // No thread can be had at all: better late than never.
  job = std::move(jobs_.back());
  jobs_.pop_back();
  lock.unlock();
  job();
}

bool WorkerPool::start_thread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, &WorkerPool::thread_main, this) == 0;
  pthread_attr_destroy(&attributes);
  threads_ += started;
  return started;
}

void* WorkerPool::thread_main(void* pool) {
  static_cast<WorkerPool*>(pool)->work();
  return nullptr;
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    if (jobs_.empty()) {
      idle_++;
      const bool more = work_came_.wait_for(lock, kIdleTime, [this] { return closing_ || !jobs_.empty(); });
      idle_--;
      if (!more) break;
      continue;
    }
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  threads_--;
  thread_left_.notify_all();
}

}  // namespace wherry::shim
