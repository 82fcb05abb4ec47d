// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace wherry::sandbox {

// cpu.weight (1 to 10000) for v1's cpu.shares, on a curve that keeps both
// defaults: 1024 shares are weight 100. As crun computes it.
uint64_t weight_of_shares(uint64_t shares);

}  // namespace wherry::sandbox
