// SPDX-License-Identifier: Apache-2.0
#include "node/containerd_config.h"

#include <gtest/gtest.h>

namespace wherry::node {
namespace {

TEST(ContainerdConfig, finds_our_runtime_in_the_layout_of_1_6) {
  const auto config = parse_containerd_config(R"(
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.wasm]
  runtime_type = "io.containerd.wherry.v1"
  runtime_path = "/opt/wherry/shim"
  pod_annotations = ["other/*", "wherry.dev/*"]
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->version, 2);
  EXPECT_TRUE(config->cri);
  ASSERT_EQ(config->runtimes.size(), 1u);
  EXPECT_EQ(config->runtimes[0].name, "wasm");
  EXPECT_EQ(config->runtimes[0].path, "/opt/wherry/shim");
  EXPECT_TRUE(config->runtimes[0].annotations);
}

TEST(ContainerdConfig, finds_our_runtime_in_the_layout_of_2) {
  const auto config = parse_containerd_config(R"(
version = 3
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.wherry]
  runtime_type = 'io.containerd.wherry.v1'
)");
  ASSERT_TRUE(config);
  ASSERT_EQ(config->runtimes.size(), 1u);
  EXPECT_EQ(config->runtimes[0].name, "wherry");
  EXPECT_FALSE(config->runtimes[0].annotations);
}

TEST(ContainerdConfig, sees_that_docker_s_package_disables_kubernetes) {
  const auto config = parse_containerd_config(R"(disabled_plugins = ["cri"])");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->version, 1);
  EXPECT_FALSE(config->cri);
}

TEST(ContainerdConfig, takes_wrong_types_as_absent) {
  const auto config = parse_containerd_config("version = \"2\"\ndisabled_plugins = \"cri\"\nplugins = 3\n");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->cri);
  EXPECT_TRUE(config->runtimes.empty());
}

TEST(ContainerdConfig, knows_no_version_that_is_none) {
  for (const char* text : {"version = \"2\"", "version = 2.0", "version = -1", "version = [2]"})
    EXPECT_EQ(parse_containerd_config(text)->version, 0) << text;
  EXPECT_EQ(parse_containerd_config("")->version, 1);
  for (const char* text : {"version = 5", "version = 4294967298"})
    EXPECT_EQ(parse_containerd_config(text)->version, kLastVersion + 1) << text;
}

TEST(ContainerdConfig, names_the_line_that_is_wrong) {
  const auto config = parse_containerd_config("version = 2\n[plugins\n");
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().message.starts_with("line 2: ")) << config.error().message;
}

}  // namespace
}  // namespace wherry::node
