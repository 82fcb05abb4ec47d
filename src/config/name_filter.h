// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::config {

// Names that may pass, such as those of variables: "PATH,APP_*" only these,
// "-KUBERNETES_*" all but these. What denies wins; what no word names passes only
// if no word allows anything. `none` is nothing, `all` everything.
class NameFilter {
 public:
  static Result<NameFilter> parse(std::string_view text);

  bool allows(std::string_view name) const;

 private:
  struct Pattern {
    bool deny;
    bool prefix;  // ended in *
    std::string text;
  };
  std::vector<Pattern> patterns_;
  bool open_ = false;
  bool closed_ = false;  // what no pattern names is denied
};

}  // namespace wherry::config
