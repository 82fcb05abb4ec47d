// SPDX-License-Identifier: Apache-2.0
#include "config/name_filter.h"

#include "config/words.h"

namespace wherry::config {

Result<NameFilter> NameFilter::parse(std::string_view text) {
  NameFilter filter;
  const std::vector<std::string_view> words = split_words(text);
  if (words.empty()) return error(ErrorKind::invalid, "no names; write `all` or `none`");
  for (const std::string_view word : words) {
    if (word == "all" || word == "none") {
      (word == "all" ? filter.open_ : filter.closed_) = true;
      continue;
    }
    Pattern pattern{.deny = word.starts_with('-'), .prefix = word.ends_with('*'), .text = {}};
    pattern.text = word.substr(pattern.deny, word.size() - pattern.deny - pattern.prefix);
    const bool empty = pattern.text.empty() && !pattern.prefix;
    if (empty || pattern.text.find_first_of("*=") != std::string::npos) {
      return error(ErrorKind::invalid, "name `" + std::string(word) + "`: expected [-]NAME or [-]PREFIX*");
    }
    filter.closed_ = filter.closed_ || !pattern.deny;
    filter.patterns_.push_back(std::move(pattern));
  }
  return filter;
}

bool NameFilter::allows(std::string_view name) const {
  bool allowed = open_ || !closed_;
  for (const Pattern& pattern : patterns_) {
    if (pattern.prefix ? !name.starts_with(pattern.text) : name != pattern.text) continue;
    if (pattern.deny) return false;
    allowed = true;
  }
  return allowed;
}

}  // namespace wherry::config
