// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"

// toml++ as everybody here includes it. Without exceptions its parser asserts what a
// bad text makes untrue, and reports the same as an error a line later: `[` and
// a control character ended the process.
#ifdef NDEBUG
#error toml++ would take its wrong assertions for granted
#endif
#define TOML_ASSERT(expr) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
// Streams, and with them every locale of libstdc++, would make a third of the program.
#define TOML_FLOAT_CHARCONV 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace wherry {

// Errors are "line 3: ...". The parser sees nothing that is not ASCII, since its tables
// of letters are wrong: in strings with double quotes it is escaped, and refused
// in others; comments may be in any language.
Result<toml::table> parse_toml(std::string_view text);

}  // namespace wherry
