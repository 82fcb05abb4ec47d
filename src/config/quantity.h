// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace wherry::config {

// Quantities as Kubernetes writes them (its API reference: Quantity), without
// exponents. Zero is refused.

// "67108864", "64Mi", "1.5G".
Result<uint64_t> parse_bytes(std::string_view text);
// Thousandths of a processor: "500m", "1.5", "2".
Result<uint64_t> parse_milli_cpu(std::string_view text);

}  // namespace wherry::config
