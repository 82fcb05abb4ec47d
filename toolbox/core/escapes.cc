// SPDX-License-Identifier: Apache-2.0
#include "core/escapes.h"

#include <algorithm>

namespace toolbox {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// A number of at most `digits` digits at `at`, which moves past it.
char number_at(std::string_view text, size_t& at, int base, int digits) {
  int value = 0;
  for (; digits > 0 && at < text.size() && digit_value(text[at]) < base; digits--) value = value * base + digit_value(text[at++]);
  return static_cast<char>(value);
}

}  // namespace

std::string unescape(std::string_view text, Escapes kind, bool* stopped) {
  constexpr std::string_view kLetters = "abefnrtv\\", kValues = "\a\b\033\f\n\r\t\v\\";
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c != '\\' || at == text.size()) {
      result += c;
      continue;
    }
    const char letter = text[at];
    const size_t known = kLetters.find(letter);
    if (letter == 'c' && stopped) {
      *stopped = true;
      return result;
    }
    if (known != kLetters.npos) {
      result += kValues[known];
      at++;
    } else if (letter == 'x' && at + 1 < text.size() && digit_value(text[at + 1]) < 16) {
      at++;
      result += number_at(text, at, 16, 2);
    } else if (digit_value(letter) < 8) {
      const bool zero = letter == '0' && kind == Escapes::echo;
      if (zero) at++;
      result += number_at(text, at, 8, 3);
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace toolbox
