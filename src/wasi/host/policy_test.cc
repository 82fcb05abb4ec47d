// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/policy.h"

#include <gtest/gtest.h>

#include "wasi/host/dns.h"
#include "wasi/host/socket.h"

namespace wherry::wasi {
namespace {

config::NetworkFilter filter(const char* text, config::NetworkFilter::Direction direction) {
  auto parsed = config::NetworkFilter::parse(text, direction);
  EXPECT_TRUE(parsed);
  return *parsed;
}
config::NetworkFilter egress(const char* text) { return filter(text, config::NetworkFilter::Direction::egress); }
config::NetworkFilter listen(const char* text) { return filter(text, config::NetworkFilter::Direction::listen); }

SocketAddress ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
  SocketAddress address;
  address.ip = {a, b, c, d};
  address.port = port;
  return address;
}

uint64_t count(const Counters& counters, Denial kind) { return counters.denied[static_cast<size_t>(kind)]; }

Descriptor open_socket(SocketType type, Policy& policy) {
  Io<Descriptor> socket = socket_open(SocketAddress::Family::inet4, type);
  EXPECT_TRUE(socket);
  socket->policy = &policy;
  return std::move(*socket);
}

TEST(Policy, denies_connecting_and_sending_with_an_errno_and_a_count) {
  Counters counters;
  std::string told;
  Policy policy({.egress = {egress("10.0.0.0/8")}, .listen = {}, .counters = &counters,
                 .on_denial = [&](Denial, std::string_view detail) { told = detail; }});
  const Descriptor tcp = open_socket(SocketType::stream, policy), udp = open_socket(SocketType::datagram, policy);
  EXPECT_EQ(socket_connect(tcp, ipv4(127, 0, 0, 1, 80), {}).error(), Errno::acces);
  EXPECT_EQ(told, "127.0.0.1:80/tcp");
  EXPECT_EQ(socket_connect(tcp, ipv4(0, 0, 0, 0, 80), {}).error(), Errno::acces);
  char byte = 0;
  const iovec buffer{&byte, 1};
  const SocketAddress to = ipv4(127, 0, 0, 1, 53);
  EXPECT_EQ(socket_send(udp, {&buffer, 1}, {}, &to).error(), Errno::acces);
  EXPECT_EQ(told, "127.0.0.1:53/udp");
  EXPECT_EQ(count(counters, Denial::egress), 3u);
}

// listen() without bind() takes any port of every address.
TEST(Policy, denies_binding_and_listening) {
  Counters counters;
  Policy policy({.egress = {}, .listen = {listen("127.0.0.1:1")}, .counters = &counters});
  const Descriptor tcp = open_socket(SocketType::stream, policy), udp = open_socket(SocketType::datagram, policy);
  EXPECT_EQ(socket_bind(tcp, ipv4(127, 0, 0, 1, 65000)).error(), Errno::acces);
  EXPECT_EQ(socket_listen(tcp, 1).error(), Errno::acces);
  EXPECT_TRUE(socket_bind(tcp, ipv4(127, 0, 0, 1, 0)));
  EXPECT_EQ(socket_listen(tcp, 1).error(), Errno::acces);
  EXPECT_EQ(socket_bind(udp, ipv4(127, 0, 0, 1, 0)).error(), Errno::acces);
  EXPECT_EQ(count(counters, Denial::listen), 4u);
}

TEST(Policy, allows_what_an_allowed_name_was_found_to_be) {
  Policy policy({.egress = {egress("api.example:443")}, .listen = {}});
  const SocketAddress address = ipv4(192, 0, 2, 1, 443);
  EXPECT_FALSE(policy.check_destination(address, config::Transport::tcp));
  policy.learn("other.example", {address}, 60);
  EXPECT_FALSE(policy.check_destination(address, config::Transport::tcp));
  policy.learn("API.example.", {address}, 60);
  EXPECT_TRUE(policy.check_destination(address, config::Transport::tcp));
  EXPECT_FALSE(policy.check_destination(ipv4(192, 0, 2, 1, 80), config::Transport::tcp));
  EXPECT_FALSE(policy.check_destination(ipv4(192, 0, 2, 2, 443), config::Transport::tcp));
}

TEST(Policy, asks_no_name_server_for_what_is_not_allowed) {
  Counters counters;
  std::string told;
  Policy policy({.egress = {egress("none")}, .listen = {}, .counters = &counters,
                 .on_denial = [&](Denial, std::string_view detail) { told = detail; }});
  EXPECT_EQ(lookup({"secret\n.evil.example", "", {}, false, false}, {}, &policy).error(), Errno::acces);
  EXPECT_EQ(told, "secret?.evil.example");
  EXPECT_EQ(count(counters, Denial::lookup), 1u);
  EXPECT_TRUE(lookup({"192.0.2.1", "", {}, false, false}, {}, &policy));
}

}  // namespace
}  // namespace wherry::wasi
