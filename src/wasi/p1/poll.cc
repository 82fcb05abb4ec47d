// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/poll.h"

#include "wasi/p1/p1.h"

namespace wherry::wasi {
namespace {

constexpr uint32_t kMaxSubscriptions = 2 * Host::kMaxDescriptors;
constexpr uint16_t kAbstime = 1;

Subscription to_host(const layout::Subscription& raw) {
  return {raw.userdata, static_cast<Subscription::Kind>(raw.tag), raw.id, static_cast<Clock>(raw.id), raw.timeout,
          (raw.flags & kAbstime) != 0};
}

Subscription to_host(const layout::UnstableSubscription& raw) {
  return {raw.userdata, static_cast<Subscription::Kind>(raw.tag), raw.fd, static_cast<Clock>(raw.id), raw.timeout,
          (raw.flags & kAbstime) != 0};
}

// False if there is a subscription of no known kind.
template <class Raw>
bool read_subscriptions(std::span<const uint8_t> bytes, std::vector<Subscription>& out) {
  out.clear();
  for (size_t at = 0; at < bytes.size(); at += sizeof(Raw)) {
    Raw raw;
    std::memcpy(&raw, bytes.data() + at, sizeof raw);
    if (raw.tag > static_cast<uint8_t>(Subscription::Kind::fd_write)) return false;
    out.push_back(to_host(raw));
  }
  return true;
}

}  // namespace

Outcome P1::wait_for_events(Ptr<layout::Event> out, uint32_t count, Ptr<uint32_t> nevents) {
  const std::span<uint8_t> bytes = TRY(memory_.elements(out, count));
  const std::span<const Event> events = TRY(host_.poller.wait(host_.files, host_.wake));
  for (size_t i = 0; i < events.size(); i++) {
    layout::Event raw{};
    raw.userdata = events[i].userdata;
    raw.error = static_cast<uint16_t>(events[i].error);
    raw.kind = static_cast<uint8_t>(events[i].kind);
    raw.nbytes = events[i].nbytes;
    raw.flags = events[i].hangup;
    std::memcpy(bytes.data() + i * sizeof raw, &raw, sizeof raw);
  }
  TRY(memory_.store(nevents, static_cast<uint32_t>(events.size())));
  return Errno::success;
}

Outcome P1::poll_oneoff(Ptr<layout::Subscription> in, Ptr<layout::Event> out, uint32_t count, Ptr<uint32_t> nevents) {
  if (count == 0 || count > kMaxSubscriptions) return Errno::inval;
  const std::span<uint8_t> raw = TRY(memory_.elements(in, count));
  if (!read_subscriptions<layout::Subscription>(raw, host_.poller.subscriptions)) return Errno::inval;
  return wait_for_events(out, count, nevents);
}

Outcome P1::unstable_poll_oneoff(Ptr<layout::UnstableSubscription> in, Ptr<layout::Event> out, uint32_t count,
                                 Ptr<uint32_t> nevents) {
  if (count == 0 || count > kMaxSubscriptions) return Errno::inval;
  const std::span<uint8_t> raw = TRY(memory_.elements(in, count));
  if (!read_subscriptions<layout::UnstableSubscription>(raw, host_.poller.subscriptions)) return Errno::inval;
  return wait_for_events(out, count, nevents);
}

}  // namespace wherry::wasi
