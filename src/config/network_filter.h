// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::config {

enum class Transport : uint8_t { tcp, udp };

// One end of a connection in the form that filters compare: every address is IPv6
// here, an IPv4 address is mapped (::ffff:a.b.c.d), so that no address has two forms.
struct Endpoint {
  std::array<uint8_t, 16> ip{};
  uint16_t port = 0;
  Transport transport = Transport::tcp;

  static std::array<uint8_t, 16> map_ipv4(const uint8_t* four);
  bool is_unspecified() const;  // 0.0.0.0 or ::
  // Loopback, link-local, multicast, unspecified: where a name of the outside
  // world has no business to lead.
  bool is_special() const;
  // What the kernel makes of an address to connect to: an unspecified one is the
  // loopback, and NAT64's well-known prefix is the IPv4 address behind it.
  Endpoint as_destination() const;
};

// "10.0.0.0/8:443/tcp", "-169.254.169.254", "[fd00::/8]:80-90", "*.example.com:443",
// "localhost", ":8080".
struct NetworkRule {
  bool deny = false;
  enum class Target : uint8_t { any, network, name } target = Target::any;
  std::array<uint8_t, 16> network{};
  unsigned prefix = 0;  // bits of it that count
  std::string name;     // lower case; "*.": any name below
  uint16_t first_port = 0;
  uint16_t last_port = 65535;
  std::optional<Transport> transport;

  bool covers(const Endpoint& endpoint) const;  // its port and transport
  bool contains(const Endpoint& endpoint) const;  // ... and address; never of a name
  bool is_name(std::string_view lower) const;
};

// Rules of which every one that denies wins over every one that allows. What no
// rule names is allowed only if none allows anything. The words `all`, `none`
// and `dns` (any name may be looked up) are rules too.
class NetworkFilter {
 public:
  enum class Direction : uint8_t { egress, listen };

  static Result<NetworkFilter> parse(std::string_view text, Direction direction);

  bool allows_all() const { return rules_.empty() && allows_by_default(); }
  bool has_names() const { return has_names_; }

  // `names` are those that were found to have this address.
  bool allows_destination(const Endpoint& endpoint, const std::vector<std::string>& names) const;
  bool allows_listening(const Endpoint& endpoint) const;
  // Whether the name may be looked up at all; DNS leads out too.
  bool allows_lookup(std::string_view name) const;

 private:
  Result<void> add(std::string_view word, Direction direction);
  void add(NetworkRule rule);
  bool allows_by_default() const { return open_ || !closed_; }

  std::vector<NetworkRule> rules_;
  bool open_ = false;    // `all`
  bool closed_ = false;  // what no rule names is denied
  bool any_name_ = false;
  bool has_names_ = false;
};

// Lower case, without the dot at the end.
std::string canonical_name(std::string_view name);

}  // namespace wherry::config
