// SPDX-License-Identifier: Apache-2.0
#include "config/network_filter.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace wherry::config {
namespace {

Endpoint at(const char* ip, uint16_t port, Transport transport = Transport::tcp) {
  Endpoint endpoint{.ip = {}, .port = port, .transport = transport};
  uint8_t four[4];
  if (::inet_pton(AF_INET, ip, four) == 1) {
    endpoint.ip = Endpoint::map_ipv4(four);
  } else {
    EXPECT_EQ(::inet_pton(AF_INET6, ip, endpoint.ip.data()), 1) << ip;
  }
  return endpoint;
}

NetworkFilter egress(const char* text) {
  auto filter = NetworkFilter::parse(text, NetworkFilter::Direction::egress);
  EXPECT_TRUE(filter) << text << ": " << (filter ? "" : filter.error().message);
  return filter ? *filter : NetworkFilter();
}

NetworkFilter listen(const char* text) {
  auto filter = NetworkFilter::parse(text, NetworkFilter::Direction::listen);
  EXPECT_TRUE(filter) << text;
  return filter ? *filter : NetworkFilter();
}

struct Case {
  const char* rules;
  const char* ip;
  uint16_t port;
  bool allowed;
  Transport transport = Transport::tcp;
};

TEST(NetworkFilter, decides_where_to_connect) {
  const Case cases[] = {
      {"", "1.2.3.4", 80, true},
      {"all", "1.2.3.4", 80, true},
      {"none", "1.2.3.4", 80, false},
      {"none", "127.0.0.1", 80, false},
      {"10.0.0.0/8", "10.255.0.1", 1, true},
      {"10.0.0.0/8", "11.0.0.1", 1, false},
      {"10.0.0.0/8:443", "10.0.0.1", 443, true},
      {"10.0.0.0/8:443", "10.0.0.1", 80, false},
      {"10.0.0.0/8:400-499/tcp", "10.0.0.1", 443, true},
      {"10.0.0.0/8:400-499/tcp", "10.0.0.1", 443, false, Transport::udp},
      {"*:53/udp", "8.8.8.8", 53, true, Transport::udp},
      {"*:53/udp", "8.8.8.8", 53, false, Transport::tcp},
      {"10.1.0.0/13", "10.8.0.1", 1, false},
      {"10.1.0.0/13", "10.7.255.255", 1, true},
      {"fd00::/8, 1.2.3.4", "fd12::1", 1, true},
      {"[fd00::/8]:443", "fd12::1", 443, true},
      {"[fd00::/8]:443", "fd12::1", 80, false},
      {"localhost:80", "127.3.2.1", 80, true},
      {"localhost:80", "::1", 80, true},
      {"localhost:80", "::1", 81, false},
      {"-169.254.0.0/16", "169.254.169.254", 80, false},
      {"-169.254.0.0/16", "1.1.1.1", 80, true},
      {"all -10.0.0.0/8", "10.0.0.1", 80, false},
      // What denies wins, wherever it stands.
      {"10.0.0.1, -10.0.0.0/8", "10.0.0.1", 80, false},
      {"-10.0.0.0/8, 10.0.0.1", "10.0.0.1", 80, false},
      {"-localhost", "127.0.0.1", 80, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.rules) + " " + one.ip);
    EXPECT_EQ(egress(one.rules).allows_destination(at(one.ip, one.port, one.transport), {}), one.allowed);
  }
}

// The same destination in another form is the same destination.
TEST(NetworkFilter, is_not_fooled_by_other_forms_of_an_address) {
  const Case cases[] = {
      {"-10.0.0.0/8", "::ffff:10.0.0.1", 80, false},
      {"10.0.0.0/8", "::ffff:10.0.0.1", 80, true},
      {"-10.0.0.0/8", "64:ff9b::10.0.0.1", 80, false},
      {"-127.0.0.0/8", "0.0.0.0", 80, false},
      {"-127.0.0.0/8", "::ffff:0.0.0.0", 80, false},
      {"-[::1]", "::", 80, false},
      {"8.8.8.8", "0.0.0.0", 80, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.rules) + " " + one.ip);
    EXPECT_EQ(egress(one.rules).allows_destination(at(one.ip, one.port), {}), one.allowed);
  }
}

TEST(NetworkFilter, allows_the_addresses_that_an_allowed_name_had) {
  const NetworkFilter filter = egress("API.example.com:443, *.svc.cluster.local");
  EXPECT_TRUE(filter.has_names());
  EXPECT_TRUE(filter.allows_destination(at("93.184.216.34", 443), {"api.example.com"}));
  EXPECT_FALSE(filter.allows_destination(at("93.184.216.34", 80), {"api.example.com"}));
  EXPECT_FALSE(filter.allows_destination(at("93.184.216.34", 443), {"evil.example.com"}));
  EXPECT_FALSE(filter.allows_destination(at("93.184.216.34", 443), {}));
  EXPECT_TRUE(filter.allows_destination(at("10.96.0.5", 80), {"db.default.svc.cluster.local"}));
}

// An answer of somebody else's name server must not open the machine itself.
TEST(NetworkFilter, lets_no_name_lead_to_the_loopback_or_the_metadata_service) {
  const NetworkFilter filter = egress("api.example.com");
  for (const char* const ip : {"127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::", "fe80::1", "::ffff:127.0.0.1", "224.0.0.1", "ff02::1"}) {
    EXPECT_FALSE(filter.allows_destination(at(ip, 80), {"api.example.com"})) << ip;
  }
  EXPECT_FALSE(egress("api.example.com, -10.0.0.0/8").allows_destination(at("10.0.0.1", 80), {"api.example.com"}));
  EXPECT_TRUE(egress("api.example.com, 169.254.169.254").allows_destination(at("169.254.169.254", 80), {"api.example.com"}));
}

TEST(NetworkFilter, limits_which_names_are_looked_up) {
  EXPECT_TRUE(egress("all").allows_lookup("anything.example"));
  EXPECT_TRUE(egress("-10.0.0.0/8").allows_lookup("anything.example"));
  EXPECT_FALSE(egress("none").allows_lookup("secret.evil.example"));
  EXPECT_FALSE(egress("10.0.0.0/8").allows_lookup("secret.evil.example"));
  EXPECT_TRUE(egress("10.0.0.0/8, dns").allows_lookup("db"));
  EXPECT_TRUE(egress("none").allows_lookup("localhost"));
  const NetworkFilter filter = egress("api.example.com, *.example.org");
  EXPECT_TRUE(filter.allows_lookup("Api.Example.Com."));
  EXPECT_FALSE(filter.allows_lookup("xapi.example.com"));
  EXPECT_FALSE(filter.allows_lookup("api.example.com.evil.example"));
  EXPECT_TRUE(filter.allows_lookup("a.b.example.org"));
  EXPECT_FALSE(filter.allows_lookup("example.org"));
  EXPECT_FALSE(filter.allows_lookup("evilexample.org"));
}

TEST(NetworkFilter, decides_what_to_bind) {
  const Case cases[] = {
      {"all", "0.0.0.0", 80, true},
      {"none", "127.0.0.1", 8080, false},
      {":8080", "0.0.0.0", 8080, true},
      {":8080", "::", 8080, true},
      {":8080", "0.0.0.0", 8081, false},
      {"127.0.0.1:8080", "127.0.0.1", 8080, true},
      // All addresses are more than the one that is allowed.
      {"127.0.0.1:8080", "0.0.0.0", 8080, false},
      {"127.0.0.1:8080", "::", 8080, false},
      // ... and include the one that is not.
      {"-127.0.0.1:8080", "0.0.0.0", 8080, false},
      {"-127.0.0.1:8080", "::", 8080, false},
      {"-127.0.0.1:8080", "0.0.0.0", 8081, true},
      // The kernel's choice is any port.
      {":8080", "0.0.0.0", 0, false},
      {"*", "0.0.0.0", 0, true},
      {"0.0.0.0/0:8080", "::", 8080, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(std::string(one.rules) + " " + one.ip);
    EXPECT_EQ(listen(one.rules).allows_listening(at(one.ip, one.port)), one.allowed);
  }
}

TEST(NetworkFilter, says_what_is_wrong_with_a_rule) {
  struct Bad {
    const char* rules;
    const char* error;
  };
  constexpr const char* kShape = ": expected [-]ADDRESS|NETWORK/BITS|NAME|*[:PORT[-PORT]][/tcp|/udp], IPv6 in [] before a port";
  const Bad cases[] = {
      {"10.0.0.0/33", kShape}, {"10.0.0.256", kShape},  {"10.0.0.1:0", kShape},  {"10.0.0.1:99999", kShape}, {"a:1-", kShape},
      {"a:9-1", kShape},       {"1.2.3", kShape},       {"[fd00::1", kShape},    {"[10.0.0.1]:80", kShape},  {"-", kShape},
      {"a..b", kShape},        {"a:", kShape},          {"fd00::1:x", kShape},   {"a/sctp", kShape},         {"*.", kShape},
      {"ex*.com", kShape},     {"10.0.0.0/", kShape},   {"8080", kShape},
      {"-evil.example", ": a name can not be denied, since its address could be used; deny the network"},
  };
  for (const Bad& bad : cases) {
    const auto filter = NetworkFilter::parse(bad.rules, NetworkFilter::Direction::egress);
    ASSERT_FALSE(filter) << bad.rules;
    EXPECT_EQ(filter.error().message, "rule `" + std::string(bad.rules) + "`" + bad.error);
  }
  EXPECT_EQ(NetworkFilter::parse("web:80", NetworkFilter::Direction::listen).error().message,
            "rule `web:80`: only an address can be bound, not a name");
}

TEST(NetworkFilter, has_a_limit_of_rules) {
  std::string many;
  for (int i = 0; i < 1025; i++) many += "10.0.0.1 ";
  EXPECT_EQ(NetworkFilter::parse(many, NetworkFilter::Direction::egress).error().message, "more than 1024 rules");
}

}  // namespace
}  // namespace wherry::config
