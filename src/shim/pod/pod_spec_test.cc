// SPDX-License-Identifier: Apache-2.0
#include "shim/pod/pod_spec.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/fd.h"
#include "sandbox/spec.h"

namespace wherry::shim {
namespace {

pb::PodSandboxConfig sample_config() {
  pb::PodSandboxConfig config;
  config.mutable_metadata()->set_name("web");
  config.mutable_metadata()->set_namespace_("default");
  config.set_hostname("web-0");
  (*config.mutable_annotations())["wherry.dev/tier"] = "baseline";
  config.mutable_linux_config()->set_cgroup_parent("/kubepods/burstable/pod1");
  (*config.mutable_linux_config()->mutable_sysctls())["net.core.somaxconn"] = "100";
  config.mutable_dns_config()->add_servers("10.0.0.10");
  config.mutable_dns_config()->add_searches("default.svc.cluster.local");
  config.mutable_dns_config()->add_searches("svc.cluster.local");
  config.mutable_dns_config()->add_options("ndots:5");
  return config;
}

pb::CreateSandboxRequest request(const pb::PodSandboxConfig& config) {
  pb::CreateSandboxRequest request;
  request.set_sandbox_id("abc");
  request.set_bundle_path("/bundle");
  request.set_netns_path("/run/netns/x");
  request.mutable_options()->set_type_url("runtime.v1.PodSandboxConfig");
  request.mutable_options()->set_value(config.SerializeAsString());
  return request;
}

TEST(PodSpec, is_a_sandbox_of_its_own_namespaces) {
  const auto text = pod_spec(request(sample_config()));
  ASSERT_TRUE(text) << text.error().message;
  const auto spec = sandbox::parse_spec(*text);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->annotation("io.kubernetes.cri.container-type"), "sandbox");
  EXPECT_EQ(spec->annotation("wherry.dev/tier"), "baseline");
  EXPECT_EQ(spec->hostname, "web-0");
  EXPECT_EQ(spec->linux_.cgroupsPath, "/kubepods/burstable/pod1/abc");
  EXPECT_EQ(spec->linux_.sysctl.at("net.core.somaxconn"), "100");
  EXPECT_EQ(spec->linux_.find(sandbox::NamespaceType::network)->path, "/run/netns/x");
  EXPECT_TRUE(spec->linux_.find(sandbox::NamespaceType::pid));
  EXPECT_TRUE(spec->linux_.find(sandbox::NamespaceType::ipc));
  EXPECT_TRUE(spec->linux_.find(sandbox::NamespaceType::uts));
  EXPECT_FALSE(spec->linux_.find(sandbox::NamespaceType::user));
  EXPECT_TRUE(spec->root.readonly);
  EXPECT_TRUE(spec->process.noNewPrivileges);
}

TEST(PodSpec, shares_what_the_pod_shares_with_its_host) {
  pb::PodSandboxConfig config = sample_config();
  auto* options = config.mutable_linux_config()->mutable_security_context()->mutable_namespace_options();
  options->set_network(pb::NODE);
  options->set_pid(pb::NODE);
  options->set_ipc(pb::NODE);
  config.mutable_linux_config()->set_cgroup_parent("/kubepods.slice/kubepods-pod1.slice");
  const auto spec = sandbox::parse_spec(*pod_spec(request(config)));
  ASSERT_TRUE(spec);
  for (const auto type : {sandbox::NamespaceType::network, sandbox::NamespaceType::pid, sandbox::NamespaceType::ipc, sandbox::NamespaceType::uts}) {
    EXPECT_FALSE(spec->linux_.find(type));
  }
  EXPECT_EQ(spec->hostname, "");
  EXPECT_EQ(spec->linux_.cgroupsPath, "kubepods-pod1.slice:cri-containerd:abc");
}

TEST(PodSpec, has_the_users_that_the_kubelet_chose) {
  EXPECT_FALSE(joins_user_namespace(request(sample_config())));
  pb::PodSandboxConfig config = sample_config();
  auto* options = config.mutable_linux_config()->mutable_security_context()->mutable_namespace_options();
  options->mutable_userns_options()->set_mode(pb::POD);
  for (auto* id : {options->mutable_userns_options()->add_uids(), options->mutable_userns_options()->add_gids()}) {
    id->set_container_id(0);
    id->set_host_id(65536);
    id->set_length(1000);
  }
  EXPECT_TRUE(joins_user_namespace(request(config)));
  const auto spec = sandbox::parse_spec(*pod_spec(request(config), "/proc/1/fd/2"));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->linux_.find(sandbox::NamespaceType::user)->path, "/proc/1/fd/2");
  EXPECT_EQ(spec->linux_.uidMappings, (std::vector<sandbox::IdMapping>{{0, 65536, 1000}}));
  EXPECT_EQ(spec->linux_.gidMappings, (std::vector<sandbox::IdMapping>{{0, 65536, 1000}}));
  options->set_network(pb::NODE);
  EXPECT_FALSE(joins_user_namespace(request(config)));
  EXPECT_TRUE(sandbox::parse_spec(*pod_spec(request(config)))->linux_.find(sandbox::NamespaceType::user));
}

TEST(PodSpec, refuses_users_that_contradict_themselves) {
  struct Case {
    pb::NamespaceMode mode;
    bool uids, gids;
    const char* error;  // nullptr: passes
  };
  constexpr char kNeeds[] = "CreateSandbox: users: a user namespace needs mappings of users and groups";
  constexpr char kHasNone[] = "CreateSandbox: users: the node's have no mappings";
  for (const Case& c : {Case{pb::POD, true, true, nullptr}, {pb::POD, true, false, kNeeds}, {pb::POD, false, true, kNeeds}, {pb::POD, false, false, kNeeds},
                        {pb::NODE, false, false, nullptr}, {pb::NODE, true, true, kHasNone}, {pb::NODE, false, true, kHasNone},
                        {pb::CONTAINER, true, true, "CreateSandbox: users: unsupported user namespace mode 1"},
                        {pb::TARGET, false, false, "CreateSandbox: users: unsupported user namespace mode 3"}}) {
    pb::PodSandboxConfig config = sample_config();
    auto* users = config.mutable_linux_config()->mutable_security_context()->mutable_namespace_options()->mutable_userns_options();
    users->set_mode(c.mode);
    if (c.uids) users->add_uids()->set_length(1000);
    if (c.gids) users->add_gids()->set_length(1000);
    const auto spec = pod_spec(request(config));
    EXPECT_EQ(spec ? "" : spec.error().message, c.error ? c.error : "") << c.mode << c.uids << c.gids;
  }
}

TEST(PodSpec, of_a_request_that_is_none_of_a_pod_is_refused) {
  pb::CreateSandboxRequest other = request(sample_config());
  other.mutable_options()->set_type_url("x.Y");
  EXPECT_EQ(pod_spec(other).error().message, "CreateSandbox: expected options of type runtime.v1.PodSandboxConfig, found `x.Y`");
  other = request(sample_config());
  other.mutable_options()->set_value("\xff\xff");
  EXPECT_EQ(pod_spec(other).error().message, "CreateSandbox: malformed PodSandboxConfig");
  other = request(sample_config());
  other.clear_netns_path();
  EXPECT_EQ(pod_spec(other).error().message, "CreateSandbox: a pod with a network of its own needs netns_path");
  pb::PodSandboxConfig config = sample_config();
  config.mutable_linux_config()->mutable_security_context()->mutable_run_as_user()->set_value(-1);
  EXPECT_EQ(pod_spec(request(config)).error().message, "CreateSandbox: run_as_user: -1 is no user or group");
}

TEST(PodFiles, are_made_and_removed) {
  std::string pattern = (std::filesystem::temp_directory_path() / "pod.XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  pb::CreateSandboxRequest at = request(sample_config());
  at.set_bundle_path(pattern);
  const auto made = make_pod_files(at);
  if (!made && made.error().kind == ErrorKind::denied) {
    std::filesystem::remove_all(pattern);
    GTEST_SKIP() << "mounting needs root: " << made.error().message;
  }
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*read_file(pattern + "/pod/hostname", 100), "web-0\n");
  EXPECT_EQ(*read_file(pattern + "/pod/resolv.conf", 1000),
            "search default.svc.cluster.local svc.cluster.local\nnameserver 10.0.0.10\noptions ndots:5\n");
  remove_pod_files(pattern);
  EXPECT_TRUE(std::filesystem::is_empty(pattern));
  remove_pod_files(pattern);
  std::filesystem::remove_all(pattern);
}

TEST(PodFiles, hold_no_line_that_the_pod_smuggles_in) {
  pb::PodSandboxConfig config = sample_config();
  config.mutable_dns_config()->add_servers("1.1.1.1\noptions x");
  std::string pattern = (std::filesystem::temp_directory_path() / "pod.XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  pb::CreateSandboxRequest at = request(config);
  at.set_bundle_path(pattern);
  const auto made = make_pod_files(at);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "CreateSandbox: dns_config: a line break in `1.1.1.1\noptions x`");
  remove_pod_files(pattern);
  std::filesystem::remove_all(pattern);
}

TEST(PodFiles, have_the_ids_of_the_container) {
  const auto text = with_pod_files(R"({"root": {"path": "rootfs"}, "process": {"args": ["/a"], "cwd": "/"}, "mounts": [],
      "linux": {"uidMappings": [{"containerID": 0, "hostID": 7, "size": 9}], "gidMappings": [{"containerID": 0, "hostID": 8, "size": 9}]}})", "/pod");
  ASSERT_TRUE(text);
  const auto spec = sandbox::parse_spec(*text);
  ASSERT_TRUE(spec) << spec.error().message;
  ASSERT_EQ(spec->mounts.size(), 4u);
  for (const auto& mount : spec->mounts) {
    const bool file = mount.destination != "/dev/shm";  // all may write there as it is
    EXPECT_EQ(mount.uidMappings, file ? spec->linux_.uidMappings : std::vector<sandbox::IdMapping>{}) << mount.destination;
    EXPECT_EQ(mount.gidMappings, file ? spec->linux_.gidMappings : std::vector<sandbox::IdMapping>{}) << mount.destination;
  }
}

TEST(PodFiles, are_mounted_where_a_container_has_nothing) {
  const auto text = with_pod_files(R"({"root": {"path": "rootfs"}, "process": {"args": ["/a"], "cwd": "/"},
      "mounts": [{"destination": "/etc/hosts", "type": "bind", "source": "/kubelet/hosts", "options": ["rbind"]}]})", "/pod");
  ASSERT_TRUE(text);
  const auto spec = sandbox::parse_spec(*text);
  ASSERT_TRUE(spec) << spec.error().message;
  std::string all;
  for (const auto& mount : spec->mounts) all += mount.destination + "=" + mount.source + " ";
  EXPECT_EQ(all, "/etc/hosts=/kubelet/hosts /etc/hostname=/pod/pod/hostname /etc/resolv.conf=/pod/pod/resolv.conf /dev/shm=/pod/pod/shm ");
  EXPECT_FALSE(with_pod_files("[]", "/pod"));
  EXPECT_FALSE(with_pod_files("{\"mounts\": 3}", "/pod"));
}

}  // namespace
}  // namespace wherry::shim
