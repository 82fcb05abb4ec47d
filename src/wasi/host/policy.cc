// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/policy.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/printable.h"
#include "wasi/host/clock.h"

namespace wherry::wasi {
namespace {

constexpr size_t kMaxKnown = 4096;
constexpr size_t kMaxShown = 200;  // of a name that the guest made up
constexpr uint64_t kLeastTime = 300;  // seconds
constexpr uint64_t kMostTime = 86400;

config::Endpoint endpoint_of(const SocketAddress& address, config::Transport transport) {
  config::Endpoint endpoint{.ip = address.ip, .port = address.port, .transport = transport};
  if (address.family == SocketAddress::Family::inet4) endpoint.ip = config::Endpoint::map_ipv4(address.ip.data());
  return endpoint;
}

const char* suffix_of(config::Transport transport) { return transport == config::Transport::tcp ? "/tcp" : "/udp"; }

}  // namespace

std::string to_string(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool four = address.family == SocketAddress::Family::inet4;
  ::inet_ntop(four ? AF_INET : AF_INET6, address.ip.data(), text, sizeof text);
  const std::string ip = four ? text : "[" + std::string(text) + "]";
  return ip + ":" + std::to_string(address.port);
}

bool Policy::has_names() const {
  return std::any_of(config_.egress.begin(), config_.egress.end(), [](const config::NetworkFilter& filter) { return filter.has_names(); });
}

Io<void> Policy::check_destination(const SocketAddress& address, config::Transport transport) {
  const config::Endpoint endpoint = endpoint_of(address, transport);
  std::vector<std::string> names;
  if (has_names()) names = names_of(endpoint);
  for (const config::NetworkFilter& filter : config_.egress) {
    if (!filter.allows_destination(endpoint, names)) return denied(Denial::egress, to_string(address) + suffix_of(transport));
  }
  return {};
}

Io<void> Policy::check_listening(const SocketAddress& address, config::Transport transport) {
  const config::Endpoint endpoint = endpoint_of(address, transport);
  for (const config::NetworkFilter& filter : config_.listen) {
    if (!filter.allows_listening(endpoint)) return denied(Denial::listen, to_string(address) + suffix_of(transport));
  }
  return {};
}

Io<void> Policy::check_lookup(const std::string& name) {
  for (const config::NetworkFilter& filter : config_.egress) {
    if (!filter.allows_lookup(name)) return denied(Denial::lookup, name);
  }
  return {};
}

void Policy::learn(const std::string& name, const std::vector<SocketAddress>& addresses, uint32_t ttl) {
  if (!has_names()) return;
  const std::string lower = config::canonical_name(name);
  const uint64_t now = monotonic_now();
  const uint64_t until = now + std::clamp<uint64_t>(ttl, kLeastTime, kMostTime) * 1'000'000'000;
  std::erase_if(known_, [&](const Known& known) { return known.until < now; });
  for (const SocketAddress& address : addresses) {
    const config::Endpoint endpoint = endpoint_of(address, config::Transport::tcp);
    std::erase_if(known_, [&](const Known& known) { return known.name == lower && known.endpoint.ip == endpoint.ip; });
    if (known_.size() >= kMaxKnown) known_.pop_front();
    known_.push_back({lower, endpoint, until});
  }
}

std::vector<std::string> Policy::names_of(const config::Endpoint& endpoint) const {
  const uint64_t now = monotonic_now();
  std::vector<std::string> names;
  for (const Known& known : known_) {
    if (known.endpoint.ip == endpoint.ip && known.until >= now) names.push_back(known.name);
  }
  return names;
}

Errno Policy::denied(Denial kind, std::string_view detail, Errno code) {
  if (config_.counters) config_.counters->denied[static_cast<size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  if (config_.on_denial) config_.on_denial(kind, printable(detail, kMaxShown));
  return code;
}

}  // namespace wherry::wasi
