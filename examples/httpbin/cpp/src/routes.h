// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "request.h"

namespace httpbin {

struct Response {
  int status = 200;
  std::string_view content_type = "text/plain";
  std::string body;
};

// GET /get, POST /echo, GET /healthz; anything else is not found.
Response answer(Request&& request);

// The answer to what could not be parsed.
Response refusal(int status);

// The response as sent; without its body if it answers HEAD.
void append_response(std::string& out, const Response& response, bool keep_alive, bool with_body = true);

}  // namespace httpbin
