// SPDX-License-Identifier: Apache-2.0
#include "shim/address.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "shim/ttrpc/socket.h"

namespace wherry::shim {
namespace {

class Directory : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "address.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  void write_config(const std::string& text) { std::ofstream(path_ + "/config.json") << text; }

  std::string path_;
};
using GroupOfBundle = Directory;
using Socket = Directory;

TEST(SocketPath, is_the_hash_that_containerd_computes) {
  // printf /run/containerd/containerd.sock/k8s.io/abc | sha256sum
  const std::string path = socket_path("/run/containerd/s", "/run/containerd/containerd.sock", "k8s.io", "abc");
  EXPECT_EQ(path, "/run/containerd/s/a99a1752d3a0fadfb1f869026f16760475df03a572e20f4ccea9e6c1e5470b72");
  EXPECT_EQ(path, socket_path("/run/containerd/s", "/run/containerd/./containerd.sock", "k8s.io", "abc"));
  EXPECT_NE(path, socket_path("/run/containerd/s", "/run/containerd/containerd.sock", "k8s.io", "abd"));
}

TEST_F(GroupOfBundle, is_the_pod_or_the_container_itself) {
  const struct {
    const char* config;
    const char* group;
  } cases[] = {
      {R"({"annotations":{"io.kubernetes.cri.sandbox-id":"pod"}})", "pod"},
      {R"({"annotations":{"io.kubernetes.cri.sandbox-id":"pod","io.containerd.runc.v2.group":"g"}})", "g"},
      {R"({"annotations":{"io.kubernetes.cri.sandbox-id":""}})", "self"},
      {R"({"annotations":{"io.kubernetes.cri.sandbox-id":7}})", "self"},
      {R"({"annotations":[]})", "self"},
      {R"({})", "self"},
      {R"([])", "self"},
      {"{", "self"},
  };
  EXPECT_EQ(group_of_bundle(path_, "self"), "self") << "no config.json";
  for (const auto& c : cases) {
    SCOPED_TRACE(c.config);
    write_config(c.config);
    EXPECT_EQ(group_of_bundle(path_, "self"), c.group);
  }
}

TEST_F(Socket, is_bound_once_and_found_by_the_next) {
  const std::string path = path_ + "/a/b/socket";
  EXPECT_FALSE(is_served(path));
  auto first = bind_or_find(path);
  ASSERT_TRUE(first) << first.error().to_string();
  ASSERT_TRUE(first->listener);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  const auto second = bind_or_find(path);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->listener);
  EXPECT_TRUE(is_served(path));

  remove_stale_socket(path);
  EXPECT_TRUE(std::filesystem::exists(path)) << "somebody listens";
  first->listener.reset();
  EXPECT_FALSE(is_served(path));
  const auto third = bind_or_find(path);
  ASSERT_TRUE(third) << third.error().to_string();
  EXPECT_TRUE(third->listener) << "a stale socket is replaced";
}

TEST_F(Socket, is_removed_when_nobody_listens) {
  const std::string path = path_ + "/socket";
  { ASSERT_TRUE(bind_or_find(path)->listener); }
  remove_stale_socket(path);
  EXPECT_FALSE(std::filesystem::exists(path));
  std::ofstream(path) << "a file";
  remove_stale_socket(path);
  EXPECT_TRUE(std::filesystem::exists(path)) << "not a socket";
}

TEST_F(Socket, path_too_long_says_so) {
  const std::string path = path_ + "/" + std::string(120, 'x');
  EXPECT_FALSE(is_served(path));
  const auto bound = bind_or_find(path);
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().message.find("socket path of "), 0u) << bound.error().message;
}

}  // namespace
}  // namespace wherry::shim
