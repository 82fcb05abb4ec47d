// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace wherry::node {

// A unified diff of one hunk, from the first line that differs to the last; "" if none does.
std::string text_diff(std::string_view before, std::string_view after, const std::string& path);

}  // namespace wherry::node
