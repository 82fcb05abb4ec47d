// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/random.h"

#include <sys/random.h>

#include <cerrno>

namespace wherry::wasi {

Io<void> fill_random(std::span<uint8_t> bytes, const Wake& wake) {
  while (!bytes.empty()) {
    if (wake.interrupted()) return Errno::intr;
    const ssize_t n = ::getrandom(bytes.data(), bytes.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return last_errno();
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace wherry::wasi
