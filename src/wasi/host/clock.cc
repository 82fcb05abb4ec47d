// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/clock.h"

namespace wherry::wasi {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

Io<clockid_t> id_of(Clock clock) {
  switch (clock) {
    case Clock::realtime:
      return CLOCK_REALTIME;
    case Clock::monotonic:
      return CLOCK_MONOTONIC;
    case Clock::process_cputime_id:
      return CLOCK_PROCESS_CPUTIME_ID;
    case Clock::thread_cputime_id:
      return CLOCK_THREAD_CPUTIME_ID;
  }
  return Errno::inval;
}

uint64_t nanoseconds(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * kSecond + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

Io<Timestamp> clock_time(Clock clock) {
  timespec now;
  if (::clock_gettime(TRY(id_of(clock)), &now) != 0) return last_errno();
  return nanoseconds(now);
}

Io<Timestamp> clock_resolution(Clock clock) {
  timespec resolution;
  if (::clock_getres(TRY(id_of(clock)), &resolution) != 0) return last_errno();
  return nanoseconds(resolution);
}

Timestamp monotonic_now() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return nanoseconds(now);
}

timespec to_timespec(uint64_t nanoseconds) {
  return {static_cast<time_t>(nanoseconds / kSecond), static_cast<long>(nanoseconds % kSecond)};
}

}  // namespace wherry::wasi
