// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace wherry::shim {

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return os_error(errno, "epoll");
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return os_error(errno, "eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<uint32_t>(wake.get());
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) return os_error(errno, "epoll");
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wake)));
}

EventLoop::EventLoop(UniqueFd epoll, UniqueFd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

Result<void> EventLoop::watch(int fd, uint32_t events, Handler handler) {
  const uint32_t generation = ++generation_;
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(generation) << 32 | static_cast<uint32_t>(fd);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return os_error(errno, "epoll");
  watches_[fd] = std::make_shared<Watch>(Watch{generation, std::move(handler)});
  return {};
}

void EventLoop::change(int fd, uint32_t events) {
  const auto found = watches_.find(fd);
  if (found == watches_.end()) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(found->second->generation) << 32 | static_cast<uint32_t>(fd);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::forget(int fd) {
  if (watches_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

EventLoop::TimerId EventLoop::after(std::chrono::milliseconds delay, std::function<void()> action) {
  const TimerId id{std::chrono::steady_clock::now() + delay, ++timer_count_};
  timers_.emplace(id, std::move(action));
  return id;
}

void EventLoop::post(std::function<void()> action) {
  bool first;
  {
    const std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(action));
  }
  if (first) ::eventfd_write(wake_.get(), 1);
}

void EventLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
}

void EventLoop::run() {
  for (;;) {
    run_posted();
    run_timers();
    {
      const std::lock_guard lock(mutex_);
      if (stopped_ && posted_.empty()) return;
    }
    epoll_event events[32];
    const int count = ::epoll_wait(epoll_.get(), events, 32, wait_time());
    for (int i = 0; i < count; i++) {
      const int fd = static_cast<int>(events[i].data.u64 & 0xffffffff);
      // An earlier handler of this batch may have closed the fd, and another may have got its number.
      const auto found = watches_.find(fd);
      if (found == watches_.end() || found->second->generation != events[i].data.u64 >> 32) continue;
      const std::shared_ptr<Watch> watch = found->second;
      watch->handler(events[i].events);
    }
  }
}

int EventLoop::wait_time() const {
  if (timers_.empty()) return -1;
  const auto left = timers_.begin()->first.first - std::chrono::steady_clock::now();
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<int64_t>(milliseconds, 0, INT_MAX));
}

void EventLoop::run_posted() {
  eventfd_t ignored;
  ::eventfd_read(wake_.get(), &ignored);
  std::vector<std::function<void()>> actions;
  {
    const std::lock_guard lock(mutex_);
    actions.swap(posted_);
  }
  for (const auto& action : actions) action();
}

void EventLoop::run_timers() {
  const auto now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto timer = timers_.extract(timers_.begin());
    timer.mapped()();
  }
}

}  // namespace wherry::shim
