// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace wherry {

// What somebody else wrote, as part of a line of ours: no more than `most` bytes of
// it, and '?' for what would end the line or move a terminal's cursor.
std::string printable(std::string_view text, size_t most = std::string_view::npos);

}  // namespace wherry
