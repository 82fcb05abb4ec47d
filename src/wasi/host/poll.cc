// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/poll.h"

#include <algorithm>
#include <cerrno>

#include "wasi/host/clock.h"

namespace wherry::wasi {
namespace {

using Kind = Subscription::Kind;

constexpr uint64_t kNever = ~uint64_t{0};

uint64_t saturating_add(uint64_t a, uint64_t b) { return a > kNever - b ? kNever - 1 : a + b; }

// Files of a disk are always ready; ppoll says so too, devices may not.
short events_for(Kind kind) { return kind == Kind::fd_read ? POLLIN | POLLRDHUP : POLLOUT; }

bool pollable(const Descriptor& descriptor, Kind kind) {
  if (descriptor.kind == Descriptor::Kind::directory) return false;
  return descriptor.base & (kind == Kind::fd_read ? right::fd_read : right::fd_write);
}

}  // namespace

Io<std::span<const Event>> Poller::wait(DescriptorTable& files, const Wake& wake) {
  events_.clear();
  prepare(files);
  TRY(run(wake));
  return std::span<const Event>(events_);
}

void Poller::prepare(DescriptorTable& files) {
  fds_.assign(subscriptions.size() + 1, pollfd{-1, 0, 0});
  deadlines_.assign(subscriptions.size(), kNever);
  first_deadline_ = kNever;
  start_ = monotonic_now();
  for (size_t i = 0; i < subscriptions.size(); i++) {
    const Subscription& subscription = subscriptions[i];
    if (subscription.kind == Kind::clock) {
      const Io<uint64_t> now = subscription.absolute ? clock_time(subscription.clock) : Io<uint64_t>(uint64_t{0});
      const bool waitable = subscription.clock == Clock::realtime || subscription.clock == Clock::monotonic;
      if (!waitable || !now) {
        events_.push_back({subscription.userdata, Errno::notsup, subscription.kind, 0, false});
        continue;
      }
      const uint64_t left = subscription.timeout > *now ? subscription.timeout - *now : 0;
      deadlines_[i] = saturating_add(start_, left);
      first_deadline_ = std::min(first_deadline_, deadlines_[i]);
    } else {
      const Io<Descriptor*> descriptor = files.get(subscription.fd);
      if (!descriptor || !pollable(**descriptor, subscription.kind)) {
        events_.push_back({subscription.userdata, Errno::badf, subscription.kind, 0, false});
        continue;
      }
      fds_[i] = {(*descriptor)->fd.get(), events_for(subscription.kind), 0};
    }
  }
}

Io<void> Poller::run(const Wake& wake) {
  fds_.back() = {wake.fd, POLLIN, 0};
  uint64_t now = start_;
  for (;;) {
    if (wake.interrupted()) return Errno::intr;
    const uint64_t left = first_deadline_ > now ? first_deadline_ - now : 0;
    const timespec limit = to_timespec(events_.empty() ? left : 0);
    const bool forever = events_.empty() && first_deadline_ == kNever;
    const int n = ::ppoll(fds_.data(), fds_.size(), forever ? nullptr : &limit, nullptr);
    if (n < 0 && errno != EINTR) return last_errno();
    if (n > 0 && fds_.back().revents != 0) return Errno::intr;
    if (n > 0) collect_fds();
    if (first_deadline_ != kNever) {
      // A timeout of ppoll is the first deadline, without asking the clock.
      now = n == 0 && events_.empty() ? std::max(first_deadline_, now) : monotonic_now();
      collect_clocks(now);
    }
    if (!events_.empty()) return {};
  }
}

void Poller::collect_fds() {
  for (size_t i = 0; i < subscriptions.size(); i++) {
    const short revents = fds_[i].revents;
    if (revents == 0) continue;
    const Subscription& subscription = subscriptions[i];
    const bool broken = revents & POLLNVAL;
    const bool ready = revents & (POLLIN | POLLOUT);
    events_.push_back({subscription.userdata, broken ? Errno::badf : Errno::success, subscription.kind,
                       ready ? uint64_t{1} : 0, (revents & (POLLHUP | POLLRDHUP)) != 0});
  }
}

void Poller::collect_clocks(uint64_t now) {
  for (size_t i = 0; i < subscriptions.size(); i++) {
    if (deadlines_[i] > now) continue;
    events_.push_back({subscriptions[i].userdata, Errno::success, Kind::clock, 0, false});
  }
}

}  // namespace wherry::wasi
