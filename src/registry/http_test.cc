// SPDX-License-Identifier: Apache-2.0
#include "registry/http.h"

#include <gtest/gtest.h>

#include "registry/registry.h"

namespace wherry::registry {
namespace {

TEST(Url, of_a_server_is_resolved_and_stays_http) {
  EXPECT_EQ(*resolve_url("https://a.example/v2/x/blobs/uploads/", "/v2/x/uploads/1?s=2"), "https://a.example/v2/x/uploads/1?s=2");
  EXPECT_EQ(*resolve_url("https://a.example/v2/", "https://cdn.example/b"), "https://cdn.example/b");
  EXPECT_EQ(*resolve_url("http://a.example/v2/", "//b.example/c"), "http://b.example/c");
  for (const char* bad : {"", "file:///etc/passwd", "ftp://a.example/x", "http://a.example/x", "https://[::1", "gopher://x"}) EXPECT_FALSE(resolve_url("https://a.example/v2/", bad)) << bad;
}

TEST(Url, origins_are_scheme_host_and_port) {
  EXPECT_EQ(origin_of("https://A.example/x?y"), "https://a.example:443");
  EXPECT_EQ(origin_of("http://a.example:80/"), origin_of("http://a.example"));
  EXPECT_NE(origin_of("http://a.example"), origin_of("https://a.example"));
  EXPECT_NE(origin_of("https://a.example"), origin_of("https://a.example:444"));
  EXPECT_EQ(origin_of("https://user@a.example/"), "https://a.example:443");
  for (const char* bad : {"", "file:///x", "a b"}) EXPECT_EQ(origin_of(bad), "") << bad;
}

TEST(Url, this_machine_is_told_from_names_that_look_like_it) {
  for (const char* local : {"http://localhost:5000", "https://127.0.0.1/v2/", "http://127.1.2.3:1", "http://[::1]:5000/"}) EXPECT_TRUE(is_loopback(local)) << local;
  for (const char* other : {"http://127.0.0.1.example.com", "http://localhost.example", "http://10.0.0.1", "http://127.example", "", "http://[::2]"}) EXPECT_FALSE(is_loopback(other)) << other;
}

TEST(Url, queries_are_escaped) {
  EXPECT_EQ(with_query("https://a/x", "digest", "sha256:ab"), "https://a/x?digest=sha256:ab");
  EXPECT_EQ(with_query("https://a/x?s=1", "q", "a b&c=d\r\n%"), "https://a/x?s=1&q=a%20b%26c%3Dd%0D%0A%25");
}

}  // namespace
}  // namespace wherry::registry
