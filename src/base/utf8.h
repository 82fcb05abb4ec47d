// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace wherry {

// Whether the text is UTF-8 as Unicode defines it: shortest forms only, no
// surrogates, nothing past U+10FFFF.  spec: binary-utf8
bool is_utf8(std::string_view text);

}  // namespace wherry
