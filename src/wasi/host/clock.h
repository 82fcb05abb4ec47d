// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include "wasi/host/errno.h"
#include "wasi/host/types.h"

namespace wherry::wasi {

Io<Timestamp> clock_time(Clock clock);
Io<Timestamp> clock_resolution(Clock clock);
Timestamp monotonic_now();

// Clamped to what the kernel takes.
timespec to_timespec(uint64_t nanoseconds);

}  // namespace wherry::wasi
