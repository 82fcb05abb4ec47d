// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <regex.h>

#include <array>
#include <optional>
#include <string>

namespace toolbox {

// POSIX's regular expressions.
class Regex {
 public:
  // `problem` says what is wrong where ok() is false.
  Regex(const std::string& pattern, int flags) : code_(::regcomp(&compiled_, pattern.c_str(), flags)) {}
  ~Regex() {
    if (code_ == 0) ::regfree(&compiled_);
  }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  bool ok() const { return code_ == 0; }
  std::string problem() const {
    char text[128];
    ::regerror(code_, &compiled_, text, sizeof text);
    return text;
  }

  using Groups = std::array<regmatch_t, 10>;
  // In the text from `start` on, whose offsets count from there; `middle`: ^ does not match at it.
  bool find(const std::string& text, size_t start, Groups& groups, bool middle = false) const {
    return ::regexec(&compiled_, text.c_str() + start, groups.size(), groups.data(), middle ? REG_NOTBOL : 0) == 0;
  }

 private:
  regex_t compiled_;
  const int code_;
};

}  // namespace toolbox
