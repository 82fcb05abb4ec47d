// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wasi/host/errno.h"
#include "wasi/host/policy.h"
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

// /etc/hosts and /etc/resolv.conf as they were at one time. With rules that go by
// names, what a guest writes into these files afterwards must not count: it could
// give an allowed name any address.
class PinnedNames {
 public:
  static Io<std::unique_ptr<PinnedNames>> create();
  ~PinnedNames();
  PinnedNames(const PinnedNames&) = delete;
  PinnedNames& operator=(const PinnedNames&) = delete;

 private:
  friend class Lookup;
  struct State;
  explicit PinnedNames(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

// The policy decides whether a name is looked up, and learns what it means. acces if
// it is not. ainoname, aiagain, aifail, aiservice in failure.
Io<std::vector<SocketAddress>> lookup(const LookupRequest& request, const Wake& wake, Policy* policy = nullptr,
                                      PinnedNames* names = nullptr);

}  // namespace wherry::wasi
