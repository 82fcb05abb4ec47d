// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace wherry::config {

// The words of a list, which commas and blanks separate.
inline std::vector<std::string_view> split_words(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t\r";
  std::vector<std::string_view> words;
  for (size_t at = text.find_first_not_of(kSeparators); at != text.npos;) {
    const size_t end = text.find_first_of(kSeparators, at);
    words.push_back(text.substr(at, end == text.npos ? end : end - at));
    at = text.find_first_not_of(kSeparators, end);
  }
  return words;
}

}  // namespace wherry::config
