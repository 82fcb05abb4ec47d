// SPDX-License-Identifier: Apache-2.0
#include "core/numbers.h"

#include <limits>

namespace toolbox {

std::optional<int64_t> parse_number(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, c - '0', &value)) return std::nullopt;
  }
  if (negative) return value;
  if (value == std::numeric_limits<int64_t>::min()) return std::nullopt;
  return -value;
}

std::optional<int64_t> parse_duration(std::string_view text) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t unit = kSecond;
  if (!text.empty()) {
    switch (text.back()) {
      case 's': unit = kSecond; break;
      case 'm': unit = 60 * kSecond; break;
      case 'h': unit = 3600 * kSecond; break;
      case 'd': unit = 86400 * kSecond; break;
      default: unit = 0;
    }
    if (unit != 0) text.remove_suffix(1);
    if (unit == 0) unit = kSecond;
  }
  const size_t point = text.find('.');
  const auto whole = point == 0 ? 0 : parse_number(text.substr(0, point));
  int64_t time = 0;
  if (!whole || *whole < 0 || __builtin_mul_overflow(*whole, unit, &time)) return std::nullopt;
  if (point == text.npos) return time;
  int64_t digit = unit;
  for (const char c : text.substr(point + 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    digit /= 10;
    time += digit * (c - '0');
  }
  return time;
}

std::string format_number(uint64_t value, int base) {
  std::string text;
  do text.insert(text.begin(), static_cast<char>('0' + value % static_cast<unsigned>(base)));
  while (value /= static_cast<unsigned>(base));
  return text;
}

std::string human_size(uint64_t bytes) {
  constexpr std::string_view kUnits = "KMGTPE";
  if (bytes < 1024) return format_number(bytes);
  size_t unit = 0;
  uint64_t tenths = (bytes * 10 + 512) / 1024;
  for (; tenths >= 10240 && unit + 1 < kUnits.size(); unit++) tenths = (tenths + 512) / 1024;
  return format_number(tenths / 10) + "." + format_number(tenths % 10) + kUnits[unit];
}

}  // namespace toolbox
