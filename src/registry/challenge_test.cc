// SPDX-License-Identifier: Apache-2.0
#include "registry/challenge.h"

#include <gtest/gtest.h>

namespace wherry::registry {
namespace {

TEST(Challenge, is_read_with_and_without_quotes) {
  const auto bearer = parse_challenge(R"(Bearer realm="https://auth.example.com/token", service=registry , scope="repository:a/b:pull,push",error="x")");
  ASSERT_TRUE(bearer);
  EXPECT_EQ(bearer->scheme, Challenge::Scheme::bearer);
  EXPECT_EQ(bearer->realm, "https://auth.example.com/token");
  EXPECT_EQ(bearer->service, "registry");
  EXPECT_EQ(bearer->scope, "repository:a/b:pull,push");
  const auto basic = parse_challenge("BASIC REALM=\"a\\\"b\", charset=UTF-8");
  ASSERT_TRUE(basic);
  EXPECT_EQ(basic->scheme, Challenge::Scheme::basic);
  EXPECT_EQ(basic->realm, "a\"b");
  EXPECT_TRUE(parse_challenge("Basic"));
}

TEST(Challenge, that_is_none_is_none) {
  for (const char* bad : {"", " ", "Negotiate abc", "Bearer", "Bearer realm=", "Bearer service=\"x\"", "Bearer realm=\"open", "Basicrealm=x", "Bearer\trealm=x", "=", "Basic=\"x\""}) {
    EXPECT_FALSE(parse_challenge(bad)) << bad;
  }
  EXPECT_FALSE(parse_challenge("Basic realm=" + std::string(10'000, 'x')));
}

}  // namespace
}  // namespace wherry::registry
