// SPDX-License-Identifier: Apache-2.0
#include "config/quantity.h"

#include <charconv>
#include <string>

namespace wherry::config {
namespace {

struct Unit {
  std::string_view suffix;
  uint64_t factor;
};
constexpr Unit kBytes[] = {
    {"", 1},
    {"k", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}, {"T", 1'000'000'000'000},
    {"Ki", uint64_t{1} << 10}, {"Mi", uint64_t{1} << 20}, {"Gi", uint64_t{1} << 30}, {"Ti", uint64_t{1} << 40},
};
constexpr Unit kMilli[] = {{"", 1000}, {"m", 1}};

// The number and its unit; 0 for what is neither. Digits after the point count as
// far as whole units of the result go.
template <size_t N>
uint64_t scaled(std::string_view text, const Unit (&units)[N]) {
  constexpr unsigned kMaxDigits = 9;
  uint64_t whole = 0;
  const char* const end = text.data() + text.size();
  auto [at, problem] = std::from_chars(text.data(), end, whole);
  if (problem != std::errc()) return 0;
  uint64_t fraction = 0, scale = 1;
  if (at != end && *at == '.') {
    const char* const first = ++at;
    for (; at != end && *at >= '0' && *at <= '9'; ++at) {
      if (at - first >= kMaxDigits) return 0;
      fraction = fraction * 10 + static_cast<uint64_t>(*at - '0');
      scale *= 10;
    }
    if (at == first) return 0;
  }
  const std::string_view suffix(at, static_cast<size_t>(end - at));
  for (const Unit& unit : units) {
    if (unit.suffix != suffix) continue;
    uint64_t result = 0;
    if (__builtin_mul_overflow(whole, unit.factor, &result)) return 0;
    const auto rest = static_cast<uint64_t>(static_cast<unsigned __int128>(fraction) * unit.factor / scale);
    return __builtin_add_overflow(result, rest, &result) ? 0 : result;
  }
  return 0;
}

Error expected(const char* what, std::string_view text) {
  return error(ErrorKind::invalid, std::string("expected ") + what + ", found `" + std::string(text) + "`");
}

}  // namespace

Result<uint64_t> parse_bytes(std::string_view text) {
  const uint64_t bytes = scaled(text, kBytes);
  if (bytes == 0) return expected("a number of bytes such as 64Mi", text);
  return bytes;
}

Result<uint64_t> parse_milli_cpu(std::string_view text) {
  const uint64_t milli = scaled(text, kMilli);
  if (milli == 0) return expected("a number of processors such as 500m or 1.5", text);
  return milli;
}

}  // namespace wherry::config
