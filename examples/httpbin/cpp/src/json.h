// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace httpbin {

using Fields = std::map<std::string, std::string>;

// A JSON string with quotes; bytes that are not UTF-8 become U+FFFD.
void append_string(std::string& out, std::string_view text);

// An object of strings as the value of a member, indented by two.
void append_object(std::string& out, const Fields& fields);

}  // namespace httpbin
