// SPDX-License-Identifier: Apache-2.0
#include "sandbox/rootfs.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "sandbox/mount_options.h"
#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

namespace fs = std::filesystem;

std::string mounts_below(const std::string& path) {
  std::ifstream file("/proc/self/mountinfo");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    if (line.find(path) != std::string::npos) found += line + "\n";
  }
  return found;
}

// A tmpfs for the directories, since overlay does not take every file system.
class Rootfs : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    ASSERT_EQ(::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, nullptr), 0);
    for (const char* name : {"rootfs", "upper", "work", "source"}) fs::create_directories(directory / name);
    directory.write("source/file", "source");
  }
  void TearDown() override { ::umount2(directory.path().c_str(), MNT_DETACH); }

  std::string layer(int i, const std::string& text) {
    const std::string name = "layers/" + std::to_string(i) + "-with-a-name-as-long-as-a-snapshotter-makes-them";
    directory.write(name + "/file", text);
    directory.write(name + "/file" + std::to_string(i), text);
    return directory / name;
  }

  TemporaryDirectory directory;
};

TEST_F(Rootfs, bind_and_unmount) {
  ASSERT_TRUE(mount_rootfs({{"bind", directory / "source", "", {"rbind", "ro"}}}, directory / "rootfs"));
  EXPECT_EQ(directory.read("rootfs/file"), "source");
  directory.write("rootfs/file", "changed");
  EXPECT_EQ(directory.read("source/file"), "source");
  ASSERT_EQ(::mount("tmpfs", (directory / "rootfs").c_str(), "tmpfs", 0, nullptr), 0);  // a second layer
  ASSERT_TRUE(unmount_rootfs(directory / "rootfs"));
  EXPECT_EQ(mounts_below(directory / "rootfs"), "");
  EXPECT_TRUE(unmount_rootfs(directory / "rootfs"));
  EXPECT_TRUE(unmount_rootfs(directory / "absent"));
}

uid_t owner(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info.st_uid;
}

TEST_F(Rootfs, ids_are_mapped_as_containerd_asks) {
  SKIP_UNLESS_IDS_CAN_BE_MAPPED();
  ASSERT_TRUE(mount_rootfs({{"bind", directory / "source", "", {"rbind", "ro", "uidmap=0:70000:10", "gidmap=0:80000:10"}}}, directory / "rootfs"));
  EXPECT_EQ(owner(directory / "rootfs/file"), 70000u);
  EXPECT_EQ(owner(directory / "source/file"), 0u);
  ASSERT_TRUE(unmount_rootfs(directory / "rootfs"));
  EXPECT_EQ(mounts_below(directory / "rootfs"), "");
  const auto half = mount_rootfs({{"bind", directory / "source", "", {"rbind", "uidmap=0:70000:10"}}}, directory / "rootfs");
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().message, "cannot mount the root file system: gidMappings: a user namespace needs some");
}

bool kernel_has(const std::string& file_system) {
  std::ifstream file("/proc/filesystems");
  return std::string(std::istreambuf_iterator<char>(file), {}).find("\t" + file_system + "\n") != std::string::npos;
}

TEST_F(Rootfs, overlay_with_more_layers_than_mount_takes) {
  if (!kernel_has("overlay")) GTEST_SKIP() << "this kernel has no overlay file system";
  std::string lower;
  constexpr int kLayers = 60;
  for (int i = 0; i < kLayers; ++i) lower += (i ? ":" : "") + layer(i, "layer " + std::to_string(i));
  ASSERT_GT(lower.size(), 4096u);
  const auto mounted = mount_rootfs(
      {{"overlay", "overlay", "", {"workdir=" + (directory / "work"), "upperdir=" + (directory / "upper"), "lowerdir=" + lower}}},
      directory / "rootfs");
  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(directory.read("rootfs/file"), "layer 0");
  EXPECT_EQ(directory.read("rootfs/file59"), "layer 59");
  directory.write("rootfs/new", "x");
  EXPECT_EQ(directory.read("upper/new"), "x");
  EXPECT_TRUE(unmount_rootfs(directory / "rootfs"));
  EXPECT_EQ(mounts_below(directory / "rootfs"), "");
}

TEST_F(Rootfs, layers_of_an_overlay_are_mapped) {
  if (!kernel_has("overlay")) GTEST_SKIP() << "this kernel has no overlay file system";
  std::string lower;
  constexpr int kLayers = 60;
  for (int i = 0; i < kLayers; ++i) lower += (i ? ":" : "") + layer(i, "layer " + std::to_string(i));
  ASSERT_EQ(::chown((directory / "upper").c_str(), 70000, 70000), 0);  // as the snapshotter does
  const std::vector<std::string> options = {"workdir=" + (directory / "work"), "upperdir=" + (directory / "upper"), "lowerdir=" + lower,
                                            "uidmap=0:70000:10", "gidmap=0:70000:10"};
  const auto mounted = mount_rootfs({{"overlay", "overlay", "", options}}, directory / "rootfs");
  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(owner(directory / "rootfs"), 70000u);
  EXPECT_EQ(owner(directory / "rootfs/file59"), 70000u);
  EXPECT_EQ(directory.read("rootfs/file59"), "layer 59");
  EXPECT_EQ(owner(directory / "layers"), 0u);
  directory.write("rootfs/file59", "changed");
  EXPECT_EQ(owner(directory / "upper/file59"), 70000u);
  std::string mounts = mounts_below(directory.path());
  EXPECT_EQ(std::ranges::count(mounts, '\n'), 2) << mounts;  // the directory's own, and the overlay
  EXPECT_TRUE(unmount_rootfs(directory / "rootfs"));
  EXPECT_EQ(mounts_below(directory / "rootfs"), "");
}

TEST_F(Rootfs, failure_leaves_nothing_mounted) {
  const auto mounted = mount_rootfs(
      {{"bind", directory / "source", "", {"bind"}}, {"nofs", "x", "", {}}}, directory / "rootfs");
  ASSERT_FALSE(mounted);
  EXPECT_EQ(mounted.error().message, "cannot mount the root file system: nofs of x (): No such device");
  EXPECT_EQ(mounts_below(directory / "rootfs"), "");
  const auto missing = mount_rootfs({{"bind", "/no/such", "", {"rbind"}}}, directory / "rootfs");
  EXPECT_EQ(missing.error().message, "cannot mount the root file system: /no/such: No such file or directory");
}

TEST_F(Rootfs, unmounting_does_not_follow_a_link) {
  ASSERT_TRUE(mount_rootfs({{"bind", directory / "source", "", {"bind"}}}, directory / "rootfs"));
  fs::create_directory_symlink(directory / "rootfs", directory / "link");
  ASSERT_TRUE(unmount_rootfs(directory / "link"));
  EXPECT_NE(mounts_below(directory / "rootfs"), "");
}

TEST(MountOptions, sorts_options) {
  const auto options = parse_mount_options({"rbind", "ro", "nosuid", "rnoexec", "rslave", "size=1k", "noatime", "relatime", "rw"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->bind);
  EXPECT_TRUE(options->recursive_bind);
  EXPECT_EQ(options->set, uint64_t{MOUNT_ATTR_NOSUID} | MOUNT_ATTR_RELATIME);
  EXPECT_EQ(options->clear, uint64_t{MOUNT_ATTR_RDONLY} | MOUNT_ATTR__ATIME);
  EXPECT_EQ(options->set_all, uint64_t{MOUNT_ATTR_NOEXEC});
  EXPECT_EQ(options->propagation, (std::vector<uint64_t>{MS_SLAVE | MS_REC}));
  EXPECT_EQ(options->file_system, (std::vector<std::string>{"size=1k"}));
  EXPECT_EQ(parse_mount_options({"remount"}).error().message, "mount option `remount` is not supported");
  EXPECT_EQ(parse_propagation("upwards").error().message, "unknown mount propagation `upwards`");
}

}  // namespace
}  // namespace wherry::sandbox
