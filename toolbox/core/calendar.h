// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

namespace toolbox {

// As strftime has it; UTC, since a guest knows no other zone.
std::string format_time(time_t time, const char* format);

timespec now();

// "@1700000000", "2024-01-31 12:00[:00]", "2024-01-31", "202401311200[.30]".
std::optional<time_t> parse_time(const std::string& text);

// Returns early where the time is too long for a clock.
void sleep_for(int64_t nanoseconds);

}  // namespace toolbox
