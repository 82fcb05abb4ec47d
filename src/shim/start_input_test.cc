// SPDX-License-Identifier: Apache-2.0
#include "shim/start_input.h"

#include <gtest/gtest.h>

#include "shim/proto/start.pb.h"

namespace wherry::shim {
namespace {

const Flags kFlags = {.ns = "k8s.io", .id = "c1", .address = "/run/containerd/containerd.sock"};
constexpr StartEnvironment kEnvironment = {.ttrpc_address = "/run/containerd/containerd.sock.ttrpc"};

std::string any(const std::string& type, const std::string& value) {
  pb::Any message;
  message.set_type_url(type);
  message.set_value(value);
  return message.SerializeAsString();
}

pb::BootstrapParams bootstrap(const std::string& id, const std::string& ns) {
  pb::BootstrapParams params;
  params.set_instance_id(id);
  params.set_namespace_(ns);
  params.set_log_level(-4);
  params.set_containerd_ttrpc_address("/other.ttrpc");
  params.set_containerd_grpc_address("/other.sock");
  params.set_socket_dir("/run/x");
  return params;
}

TEST(StartParameters, come_from_flags_when_stdin_is_empty) {
  const auto out = start_parameters(kFlags, kEnvironment, "");
  ASSERT_TRUE(out);
  EXPECT_EQ(out->id, "c1");
  EXPECT_EQ(out->ns, "k8s.io");
  EXPECT_EQ(out->address, "/run/containerd/containerd.sock");
  EXPECT_EQ(out->ttrpc_address, "/run/containerd/containerd.sock.ttrpc");
  EXPECT_EQ(out->socket_root, "/run/containerd/s");
  EXPECT_FALSE(out->debug);
  EXPECT_FALSE(out->sched_core);
}

TEST(StartParameters, take_the_search_path_of_containerd) {
  EXPECT_EQ(start_parameters(kFlags, {.search_path = "/run/system/bin:/bin"}, "")->search_path, "/run/system/bin:/bin");
  for (const char* none : {static_cast<const char*>(nullptr), ""}) {
    EXPECT_EQ(start_parameters(kFlags, {.search_path = none}, "")->search_path, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  }
}

TEST(StartParameters, take_legacy_options_that_look_like_bootstrap_parameters) {
  pb::RuntimeOptions options;
  options.set_config_body("SystemdCgroup = true\n");
  const auto out = start_parameters(kFlags, kEnvironment, any("runtimeoptions.v1.Options", options.SerializeAsString()));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->id, "c1");
  EXPECT_EQ(out->ns, "k8s.io");
  EXPECT_EQ(out->socket_root, "/run/containerd/s");
}

TEST(StartParameters, take_an_empty_value_of_containerd_1_6) {
  EXPECT_TRUE(start_parameters(kFlags, kEnvironment, "\n\x19runtimeoptions.v1.Options"));
}

TEST(StartParameters, take_runc_options_and_their_cgroup) {
  pb::RuncOptions runc;
  runc.set_shim_cgroup("/shims");
  const auto out = start_parameters(kFlags, kEnvironment, any("type.googleapis.com/containerd.runc.v1.Options", runc.SerializeAsString()));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->shim_cgroup, "/shims");
}

TEST(StartParameters, take_bootstrap_parameters_beside_the_flags) {
  pb::BootstrapParams params = bootstrap("c1", "k8s.io");
  pb::RuncOptions runc;
  runc.set_shim_cgroup("/shims");
  params.add_extensions()->mutable_value()->ParseFromString(any("containerd.runc.v1.Options", runc.SerializeAsString()));
  const auto out = start_parameters(kFlags, kEnvironment, params.SerializeAsString());
  ASSERT_TRUE(out);
  EXPECT_EQ(out->address, "/run/containerd/containerd.sock");
  EXPECT_EQ(out->socket_root, "/run/x");
  EXPECT_EQ(out->shim_cgroup, "/shims");
  EXPECT_TRUE(out->debug);
}

TEST(StartParameters, take_bootstrap_parameters_alone) {
  const auto out = start_parameters({}, {}, bootstrap("c9", "ns").SerializeAsString());
  ASSERT_TRUE(out) << out.error().to_string();
  EXPECT_EQ(out->id, "c9");
  EXPECT_EQ(out->ns, "ns");
  EXPECT_EQ(out->address, "/other.sock");
  EXPECT_EQ(out->ttrpc_address, "/other.ttrpc");
}

TEST(StartParameters, say_what_is_missing_or_wrong) {
  pb::BootstrapParams far = bootstrap("c1", "k8s.io");
  far.set_socket_dir("/" + std::string(42, 'x'));
  const struct {
    Flags flags;
    std::string input;
    std::string error;
  } cases[] = {
      {{.ns = "n", .address = "/a"}, "", "start: no -id"},
      {{.id = "c", .address = "/a"}, "", "start: no -namespace"},
      {{.ns = "n", .id = "c"}, "", "start: no -address"},
      {kFlags, "\xff\xff", "start: stdin is neither options nor bootstrap parameters"},
      {kFlags, far.SerializeAsString(),
       "start: socket directory \"/" + std::string(42, 'x') + "\": expected an absolute path of at most 42 bytes"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.error);
    const auto out = start_parameters(c.flags, {}, c.input);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().message, c.error);
  }
}

}  // namespace
}  // namespace wherry::shim
