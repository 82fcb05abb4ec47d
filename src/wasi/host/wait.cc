// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/wait.h"

#include <poll.h>
#include <time.h>

#include <cerrno>

#include "wasi/host/clock.h"

namespace wherry::wasi {

Io<short> wait_for(int fd, short events, uint64_t timeout, const Wake& wake) {
  const uint64_t start = timeout != 0 ? monotonic_now() : 0;
  pollfd fds[2] = {{fd, events, 0}, {wake.fd, POLLIN, 0}};
  for (;;) {
    if (wake.interrupted()) return Errno::intr;
    timespec limit{};
    if (timeout != 0) {
      const uint64_t passed = monotonic_now() - start;
      if (passed >= timeout) return Errno::again;
      limit = to_timespec(timeout - passed);
    }
    const int n = ::ppoll(fds, wake.fd >= 0 ? 2 : 1, timeout != 0 ? &limit : nullptr, nullptr);
    if (n < 0 && errno != EINTR) return last_errno();
    if (n <= 0) continue;
    if (fds[1].revents != 0) return Errno::intr;
    if (fds[0].revents != 0) return fds[0].revents;
  }
}

}  // namespace wherry::wasi
