// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sandbox/spec.h"

namespace wherry::sandbox {

// Lowers a container's own quota to so many thousandths of a processor.
inline void cap_cpu(Resources& resources, uint64_t milli_cpu) {
  constexpr uint64_t kPeriod = 100'000;  // microseconds, the kernel's default
  constexpr uint64_t kMostCpus = 1 << 20;
  if (milli_cpu / 1000 >= kMostCpus) return;
  const uint64_t period = resources.cpu.period.value_or(kPeriod);
  const auto most = static_cast<int64_t>(milli_cpu * period / 1000);
  const int64_t quota = resources.cpu.quota.value_or(-1);
  if (quota > 0 && quota <= most) return;
  resources.cpu.period = period;
  resources.cpu.quota = most;
}

}  // namespace wherry::sandbox
