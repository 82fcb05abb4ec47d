// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::cli {

// "65536", "64KiB", "64k", "1.5GiB": bytes. K, M, G and T are powers of 1024, with or
// without "B" or "iB", in either case.
Result<uint64_t> parse_size(std::string_view text);

// "2", "1.5s", "200ms", "10m", "1h", "7d": a number without a unit is seconds.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "K=V"; "K" alone takes the value of our own environment, or fails.
Result<std::string> parse_variable(std::string_view text);

// "512 B", "1.5 KiB", "64 MiB".
std::string format_size(uint64_t bytes);
// "850 us", "12.3 ms", "1.5 s", "3 min", "2 h", "5 d".
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace wherry::cli
