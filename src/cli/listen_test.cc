// SPDX-License-Identifier: Apache-2.0
#include "cli/listen.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace wherry::cli {
namespace {

TEST(ListenAddress, is_read_in_every_form) {
  const struct {
    const char *text, *host;
    uint16_t port;
    bool blocking;
  } kCases[] = {{"127.0.0.1:8080", "127.0.0.1", 8080, false},
                {"[::1]:80", "::1", 80, false},
                {":0", "0.0.0.0", 0, false},
                {"localhost:9,blocking", "localhost", 9, true}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto address = parse_listen_address(c.text);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
    EXPECT_EQ(address->blocking, c.blocking);
  }
}

TEST(ListenAddress, says_what_is_none) {
  for (const char* text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "1.2.3:80", "host.example:80",
                           "127.0.0.1:80,now", "127.0.0.1:-1"}) {
    SCOPED_TRACE(text);
    const auto address = parse_listen_address(text);
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().message, "`" + std::string(text) + "` is not an address, such as 127.0.0.1:8080");
  }
}

TEST(Listen, gives_a_socket_or_says_who_has_it) {
  const auto first = listen_on({.host = "127.0.0.1", .port = 0, .blocking = false});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(::fcntl(first->get(), F_GETFL) & O_NONBLOCK);
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ASSERT_EQ(::getsockname(first->get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const uint16_t port = ntohs(bound.sin_port);
  const auto second = listen_on({.host = "127.0.0.1", .port = port, .blocking = true});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "cannot listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
}

}  // namespace
}  // namespace wherry::cli
