// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httpbin {

constexpr size_t kMaxHead = 16 << 10;
constexpr size_t kMaxHeaders = 100;
constexpr size_t kMaxBody = 1 << 20;
// Room for the framing of a chunked body of kMaxBody in small chunks.
constexpr size_t kMaxRequest = kMaxHead + 4 * kMaxBody;

// Views into the bytes it was parsed from, but for the body.
struct Request {
  std::string_view method;
  std::string_view target;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string body;
  bool keep_alive = true;

  std::string_view path() const { return target.substr(0, target.find('?')); }
  std::string_view query() const;
  // The value of a header by its lower-case name, or "".
  std::string_view header(std::string_view name) const;
};

// Parsing stopped: `complete` and so many bytes were one request; `incomplete` and more
// bytes are needed; `bad` and the connection is to end with the status.
struct Parsed {
  enum class State { complete, incomplete, bad } state;
  size_t consumed = 0;
  int status = 0;
  bool wants_continue = false;
};

// Parses the first request in `bytes`; what follows it belongs to the next.
Parsed parse(std::string_view bytes, Request& request);

char lower(char c);
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace httpbin
