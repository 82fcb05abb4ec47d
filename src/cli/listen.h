// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::cli {

struct ListenAddress {
  std::string host;  // a number, or "localhost"
  uint16_t port = 0;
  bool blocking = false;
};

// "127.0.0.1:8080", "[::1]:8080", ":8080" for every IPv4 address; ",blocking" may follow.
Result<ListenAddress> parse_listen_address(std::string_view text);

// A TCP socket that listens there.
Result<UniqueFd> listen_on(const ListenAddress& address);

}  // namespace wherry::cli
