// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include <gtest/gtest.h>

namespace wherry::oci {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Reference, is_completed_as_docker_does) {
  const struct {
    std::string text, complete;
  } kCases[] = {
      {"httpbin", "docker.io/library/httpbin:latest"},
      {"httpbin:v1", "docker.io/library/httpbin:v1"},
      {"me/httpbin:v1", "docker.io/me/httpbin:v1"},
      {"docker.io/httpbin", "docker.io/library/httpbin:latest"},
      {"index.docker.io/me/httpbin", "docker.io/me/httpbin:latest"},
      {"localhost/httpbin", "localhost/httpbin:latest"},
      {"localhost:5000/httpbin", "localhost:5000/httpbin:latest"},
      {"ghcr.io/a/b/c__d-e.f:1.0_rc-1", "ghcr.io/a/b/c__d-e.f:1.0_rc-1"},
      {"httpbin@" + kDigest, "docker.io/library/httpbin@" + kDigest},
      {"httpbin:v1@" + kDigest, "docker.io/library/httpbin:v1@" + kDigest},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    auto reference = parse_reference(c.text);
    ASSERT_TRUE(reference) << reference.error().message;
    EXPECT_EQ(reference->to_string(), c.complete);
    EXPECT_EQ(parse_reference(c.complete)->to_string(), c.complete);
  }
}

TEST(Reference, says_what_is_wrong) {
  constexpr const char* kName = "a name is lower-case letters, digits, and `.`, `_`, `-` between them";
  constexpr const char* kTag = "a tag is up to 128 letters, digits, `_`, `.` and `-`";
  const struct {
    std::string text, error;
  } kCases[] = {
      {"", kName},
      {"HTTPBIN", kName},
      {"a//b", kName},
      {"a/", kName},
      {"-a", kName},
      {"a..b", kName},
      {"a___b", kName},
      {"me/a b", kName},
      {"a:", kTag},
      {"a:-x", kTag},
      {"a:" + std::string(129, 'x'), kTag},
      {"a:b:c", kName},
      {"host:port/a", "expected a host before the first `/`"},
      {".host/a", "expected a host before the first `/`"},
      {"a@sha256:12", "expected `@sha256:` and 64 hexadecimal digits"},
      {"a@md5:" + std::string(64, 'a'), "expected `@sha256:` and 64 hexadecimal digits"},
      {"a.b/" + std::string(252, 'x'), "longer than 255 characters"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    auto reference = parse_reference(c.text);
    ASSERT_FALSE(reference);
    EXPECT_EQ(reference.error().message, "image name `" + c.text + "`: " + c.error);
  }
}

}  // namespace
}  // namespace wherry::oci
