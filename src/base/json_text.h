// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wherry {

// A document of nlohmann::json as text. What is not UTF-8 in its strings, which may
// be names of files or words of a guest, becomes U+FFFD: the library's own default
// ends the program for it.
template <class Json>
std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace wherry
