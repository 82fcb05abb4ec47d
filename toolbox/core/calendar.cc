// SPDX-License-Identifier: Apache-2.0
#include "core/calendar.h"

#include <cstring>

#include "core/numbers.h"

namespace toolbox {

std::string format_time(time_t time, const char* format) {
  struct tm parts;
  char text[256];
  if (::gmtime_r(&time, &parts) == nullptr) return "?";
  return std::string(text, ::strftime(text, sizeof text, format, &parts));
}

timespec now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return time;
}

std::optional<time_t> parse_time(const std::string& text) {
  if (text.substr(0, 1) == "@") return parse_number(std::string_view(text).substr(1));
  for (const char* const format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y%m%d%H%M.%S", "%Y%m%d%H%M"}) {
    struct tm parts {};
    const char* const end = ::strptime(text.c_str(), format, &parts);
    if (end && *end == '\0') return ::timegm(&parts);
  }
  return std::nullopt;
}

void sleep_for(int64_t nanoseconds) {
  timespec left{nanoseconds / 1'000'000'000, static_cast<long>(nanoseconds % 1'000'000'000)};
  while (::nanosleep(&left, &left) != 0) {
  }
}

}  // namespace toolbox
