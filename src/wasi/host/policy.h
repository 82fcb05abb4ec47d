// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/network_filter.h"
#include "wasi/host/counters.h"
#include "wasi/host/errno.h"
#include "wasi/host/socket_address.h"

namespace wherry::wasi {

// What of the network a guest may use, and what it was denied of anything. Every
// descriptor points to its guest's. Used by the guest's thread.
class Policy {
 public:
  struct Config {
    std::vector<config::NetworkFilter> egress;  // each must allow; none: everything
    std::vector<config::NetworkFilter> listen;
    Counters* counters = nullptr;                                           // outlives the policy
    std::function<void(Denial kind, std::string_view detail)> on_denial{};  // after it was counted
  };

  Policy() = default;
  explicit Policy(Config config) : config_(std::move(config)) {}

  // Addresses of names decide: then what names mean must not change with files
  // that the guest can write.
  bool has_names() const;

  // acces if the rules forbid it.
  Io<void> check_destination(const SocketAddress& address, config::Transport transport);
  Io<void> check_listening(const SocketAddress& address, config::Transport transport);
  Io<void> check_lookup(const std::string& name);

  // The name had these addresses for as long as `ttl` seconds; connections to them
  // count as to the name for that time, and some more, because programs keep
  // addresses longer than they should.
  void learn(const std::string& name, const std::vector<SocketAddress>& addresses, uint32_t ttl);

  // Counts and reports; the errno for the guest.
  Errno denied(Denial kind, std::string_view detail, Errno code = Errno::acces);

 private:
  struct Known {
    std::string name;
    config::Endpoint endpoint;  // its address
    uint64_t until;             // monotonic, nanoseconds
  };
  std::vector<std::string> names_of(const config::Endpoint& endpoint) const;

  Config config_;
  std::deque<Known> known_;  // the oldest first
};

// "10.0.0.1:80", "[fd00::1]:80".
std::string to_string(const SocketAddress& address);

}  // namespace wherry::wasi
