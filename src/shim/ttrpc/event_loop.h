// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/fd.h"

namespace wherry::shim {

// The one thread that waits for everything: sockets, processes, timers. All
// calls but post() and stop() belong to the thread in run(), or come before it.
class EventLoop {
 public:
  using Handler = std::function<void(uint32_t events)>;
  using TimerId = std::pair<std::chrono::steady_clock::time_point, uint64_t>;

  static Result<std::unique_ptr<EventLoop>> create();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Calls the handler for each of `events` (EPOLLIN ...) until forget(fd),
  // which comes before the fd is closed.
  Result<void> watch(int fd, uint32_t events, Handler handler);
  void change(int fd, uint32_t events);
  void forget(int fd);

  TimerId after(std::chrono::milliseconds delay, std::function<void()> action);
  void cancel(const TimerId& id) { timers_.erase(id); }

  // Any thread: runs the action soon, in the loop's thread.
  void post(std::function<void()> action);
  // Any thread: makes run() return.
  void stop();

  void run();

 private:
  struct Watch {
    uint32_t generation;
    Handler handler;
  };

  EventLoop(UniqueFd epoll, UniqueFd wake);
  int wait_time() const;
  void run_posted();
  void run_timers();

  const UniqueFd epoll_;
  const UniqueFd wake_;
  std::unordered_map<int, std::shared_ptr<Watch>> watches_;  // shared with a handler that is running and forgets itself
  uint32_t generation_ = 0;
  std::map<TimerId, std::function<void()>> timers_;
  uint64_t timer_count_ = 0;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopped_ = false;
};

}  // namespace wherry::shim
