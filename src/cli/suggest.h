// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wherry::cli {

// ", did you mean `run`?" if one of the words is near what was typed, else "".
std::string suggestion(std::string_view typed, std::span<const std::string_view> words);

}  // namespace wherry::cli
