// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "wasi/host/errno.h"
#include "wasi/host/socket_address.h"
#include "wasi/host/wait.h"

namespace wherry::wasi {

// Names of hosts and services, resolved by c-ares from /etc/hosts and
// /etc/resolv.conf as this process sees them: in a container, the container's.
// Takes a bounded time and ends with intr after an interruption.
struct LookupRequest {
  std::string node;                              // empty: any address, or the loopback
  std::string service;                           // a number or a well-known name; empty: port 0
  std::optional<SocketAddress::Family> family;   // none: both
  bool passive = false;                          // for a listener: an empty node is any address
  bool numeric_only = false;                     // ask nobody
};

// ainoname, aiagain, aifail, aiservice in failure.
Io<std::vector<SocketAddress>> lookup(const LookupRequest& request, const Wake& wake);

}  // namespace wherry::wasi
