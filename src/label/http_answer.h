// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::label {

// What a server has answered on a connection that it closed afterwards.
struct HttpAnswer {
  int status = 0;
  std::string body;
};

// The most that is read of one: a node as JSON, with all that its kubelet says of images.
inline constexpr size_t kMaxAnswer = 4 << 20;

// RFC 9112: an answer of HTTP/1.1 as it came, whose body may be in chunks.
Result<HttpAnswer> parse_answer(std::string_view bytes);

// Why a request failed: the `message` of a Status, or the body's beginning.
std::string message_of(const HttpAnswer& answer);

}  // namespace wherry::label
