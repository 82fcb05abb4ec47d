// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace toolbox {

// A whole decimal number, with a sign perhaps.
std::optional<int64_t> parse_number(std::string_view text);

// "1.5", "2m": seconds, in nanoseconds.
std::optional<int64_t> parse_duration(std::string_view text);

// "1.2K", as ls -h and du -h have it.
std::string human_size(uint64_t bytes);

std::string format_number(uint64_t value, int base = 10);

}  // namespace toolbox
