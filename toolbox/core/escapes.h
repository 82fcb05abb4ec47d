// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace toolbox {

// Octal numbers are \0NNN for echo and printf's %b, \NNN for a format of printf.
enum class Escapes { echo, format };

// Replaces \n and its like. At \c it ends, and `stopped` is set.
std::string unescape(std::string_view text, Escapes kind, bool* stopped = nullptr);

}  // namespace toolbox
