// SPDX-License-Identifier: Apache-2.0
#include "cli/values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>

namespace wherry::cli {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double kKiB = 1024, kMiB = kKiB * 1024, kGiB = kMiB * 1024, kTiB = kGiB * 1024;
constexpr Unit kSizes[] = {{"", 1},       {"b", 1},     {"k", kKiB},   {"kb", kKiB}, {"kib", kKiB},
                           {"m", kMiB},   {"mb", kMiB}, {"mib", kMiB}, {"g", kGiB},  {"gb", kGiB},
                           {"gib", kGiB}, {"t", kTiB},  {"tb", kTiB},  {"tib", kTiB}};
constexpr Unit kTimes[] = {{"", 1e9},   {"s", 1e9},    {"ns", 1},     {"us", 1e3},   {"ms", 1e6},
                           {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}};

// The number times its unit, or nullopt for anything that is not one.
std::optional<double> parse_quantity(std::string_view text, std::span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + digits, number, std::chars_format::fixed);
  if (status != std::errc() || end != text.data() + digits || digits == 0) return std::nullopt;
  std::string name;
  for (const char c : text.substr(digits))
    if (c != ' ') name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const Unit& unit : units)
    if (unit.name == name) return number * unit.factor;
  return std::nullopt;
}

std::string format(double value, const char* unit) {
  std::array<char, 32> text;
  const double tenths = std::round(value * 10);
  const char* const pattern = tenths < 100 && std::fmod(tenths, 10) != 0 ? "%.1f %s" : "%.0f %s";
  std::snprintf(text.data(), text.size(), pattern, value, unit);
  return text.data();
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  const std::optional<double> bytes = parse_quantity(text, kSizes);
  if (!bytes || *bytes >= 0x1p63)
    return error(ErrorKind::invalid, "`" + std::string(text) + "` is not a size, such as 64MiB");
  return static_cast<uint64_t>(*bytes);
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const std::optional<double> nanoseconds = parse_quantity(text, kTimes);
  if (!nanoseconds || *nanoseconds >= 0x1p62)
    return error(ErrorKind::invalid, "`" + std::string(text) + "` is not a time, such as 1.5s");
  return std::chrono::nanoseconds(static_cast<int64_t>(*nanoseconds));
}

Result<std::string> parse_variable(std::string_view text) {
  const size_t equals = text.find('=');
  if (text.empty() || equals == 0) return error(ErrorKind::invalid, "`" + std::string(text) + "` is not NAME=VALUE");
  std::string variable(text);
  if (equals != text.npos) return variable;
  const char* const value = std::getenv(variable.c_str());
  if (!value) return error(ErrorKind::invalid, "`" + variable + "` is not set here: give NAME=VALUE");
  return variable + "=" + value;
}

std::string format_size(uint64_t bytes) {
  constexpr const char* kNames[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1023.5 && unit + 1 < std::size(kNames); ++unit) value /= 1024;
  return format(value, kNames[unit]);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  constexpr struct {
    const char* name;
    double factor;
  } kUnits[] = {{"ns", 1000}, {"us", 1000}, {"ms", 1000}, {"s", 60}, {"min", 60}, {"h", 24}, {"d", 0}};
  double value = static_cast<double>(duration.count());
  size_t unit = 0;
  for (; kUnits[unit].factor != 0 && value >= kUnits[unit].factor * 0.9995; ++unit) value /= kUnits[unit].factor;
  return format(value, kUnits[unit].name);
}

}  // namespace wherry::cli
