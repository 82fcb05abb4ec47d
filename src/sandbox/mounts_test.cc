// SPDX-License-Identifier: Apache-2.0
// What an image and a specification can do to the file systems of a container, and
// must not do to the host's.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json bind_mount(const std::string& source, const std::string& destination, std::vector<std::string> options = {}) {
  options.insert(options.begin(), "rbind");
  return {{"destination", destination}, {"type", "bind"}, {"source", source}, {"options", options}};
}

// The per-mount options of a mount point, as /proc/PID/mountinfo has them.
std::string options_of(const TestContainer& container, const std::string& destination) {
  std::ifstream file(container.proc("mountinfo"));
  std::string found;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string id, parent, device, root, place, options;
    words >> id >> parent >> device >> root >> place >> options;
    if (place == destination) found = options;
  }
  return found;
}

// The host's mounts at and below a container's bundle.
std::string hosts_mounts(const TestContainer& container) {
  std::ifstream file("/proc/self/mountinfo");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    if (line.find(container.directory.path()) != std::string::npos) found += line + "\n";
  }
  return found;
}

TEST(Mounts, links_of_the_image_can_not_lead_a_mount_out) {
  SKIP_UNLESS_ROOT();
  TemporaryDirectory outside, source;
  source.write("inside", "x");
  for (const std::string& target : {outside.path(), "../../../../../../.." + outside.path(), std::string("/proc/self/root") + outside.path()}) {
    SCOPED_TRACE(target);
    TestContainer container;
    fs::create_symlink(target, container.directory / "rootfs/evil");
    container.spec["mounts"].push_back(bind_mount(source.path(), "/evil/sub"));
    container.spec["mounts"].push_back(bind_mount(source / "inside", "/evil/file"));
    container.run_probe({"cat", "/evil/sub/inside"});
    const auto launched = container.launch();
    if (launched) {
      EXPECT_EQ(container.finish().output, "/evil/sub/inside ok\nx\n");
    }
    EXPECT_TRUE(fs::is_empty(outside.path()));
  }
}

TEST(Mounts, dots_stay_inside) {
  SKIP_UNLESS_ROOT();
  TemporaryDirectory outside, source;
  source.write("inside", "x");
  TestContainer container;
  container.spec["mounts"].push_back(bind_mount(source.path(), "/../../../../.." + outside.path() + "/../sub"));
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  const std::string sub = fs::path(outside.path()).parent_path().string() + "/sub";
  EXPECT_TRUE(fs::is_empty(outside.path()));
  EXPECT_FALSE(fs::exists(sub));
  EXPECT_TRUE(fs::exists(container.proc("root") + sub + "/inside"));
}

TEST(Mounts, dangling_links_are_made_inside) {
  SKIP_UNLESS_ROOT();
  TemporaryDirectory source;
  source.write("token", "t");
  TestContainer container;
  fs::create_directories(container.directory / "rootfs/var");
  fs::create_symlink("/run", container.directory / "rootfs/var/run");
  container.spec["mounts"].push_back(bind_mount(source.path(), "/var/run/secrets/account", {"ro"}));
  container.run_probe({"cat", "/run/secrets/account/token", "write", "/run/secrets/account/new"});
  EXPECT_EQ(container.run().output, "/run/secrets/account/token ok\nt\n/run/secrets/account/new EROFS\n");
}

TEST(Mounts, link_loops_are_an_error) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  TemporaryDirectory source;
  fs::create_symlink("b", container.directory / "rootfs/a");
  fs::create_symlink("a", container.directory / "rootfs/b");
  container.spec["mounts"].push_back(bind_mount(source.path(), "/a/x"));
  const auto launched = container.launch();
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().message, "mount /a/x: /a/x: Too many levels of symbolic links");
}

TEST(Mounts, procfs_is_not_moved_by_a_link) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  fs::create_directories(container.directory / "rootfs/elsewhere");
  fs::create_symlink("elsewhere", container.directory / "rootfs/proc");
  const auto launched = container.launch();
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().message, "mount /proc: a symbolic link is in the way of proc");
}

TEST(Mounts, options_reach_the_mount) {
  SKIP_UNLESS_ROOT();
  TemporaryDirectory source;
  source.write("sub/file", "x");
  ASSERT_EQ(::mount("below", (source / "sub").c_str(), "tmpfs", 0, nullptr), 0);
  TestContainer container;
  container.spec["mounts"].push_back(bind_mount(source.path(), "/ro", {"ro", "nosuid", "nodev", "noexec"}));
  container.spec["mounts"].push_back(bind_mount(source.path(), "/rro", {"rro"}));
  container.spec["mounts"].push_back(bind_mount(source.path(), "/noatime", {"noatime"}));
  container.spec["mounts"].push_back(bind_mount(source / "sub/../sub", "/twice/../file-or-not"));
  container.spec["mounts"].push_back({{"destination", "/small"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {"mode=700", "size=64k"}}});
  const auto launched = container.launch();
  ::umount2((source / "sub").c_str(), MNT_DETACH);
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(options_of(container, "/ro"), "ro,nosuid,nodev,noexec,relatime");
  EXPECT_EQ(options_of(container, "/ro/sub"), "rw,relatime");
  EXPECT_EQ(options_of(container, "/rro"), "ro,relatime");
  EXPECT_EQ(options_of(container, "/rro/sub"), "ro,relatime");
  EXPECT_EQ(options_of(container, "/noatime"), "rw,noatime");
  struct stat info;
  ASSERT_EQ(::stat(container.proc("root/small").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(Mounts, host_sees_none_of_them_and_container_none_of_the_hosts) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.run_probe({"ls", container.directory.path(), "ls", "/"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(hosts_mounts(container), "");
  std::ifstream file(container.proc("mountinfo"));
  int mounts = 0;
  for (std::string line; std::getline(file, line); ++mounts) EXPECT_EQ(line.find("master:"), std::string::npos) << line;
  EXPECT_EQ(mounts, 3);  // the root, /proc, /dev
  EXPECT_TRUE(container.finish().output.starts_with(container.directory.path() + " ENOENT\n"));
}

// On a host of systemd everything is shared, and a pod with bidirectional volumes
// asks for its root to stay so.
TEST(Mounts, sharing_with_the_host_does_not_pass_on_the_containers_own) {
  SKIP_UNLESS_ROOT();
  TemporaryDirectory volume;
  ASSERT_EQ(::mount("volume", volume.path().c_str(), "tmpfs", 0, nullptr), 0);
  ASSERT_EQ(::mount(nullptr, volume.path().c_str(), nullptr, MS_SHARED, nullptr), 0);
  fs::create_directories(volume / "rootfs");
  for (const char* propagation : {"", "rshared", "rslave", "rprivate"}) {
    SCOPED_TRACE(propagation);
    TestContainer container;
    const std::string rootfs = container.directory / "rootfs";
    ASSERT_EQ(::mount("rootfs", rootfs.c_str(), "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(::mount(nullptr, rootfs.c_str(), nullptr, MS_SHARED, nullptr), 0);
    const std::string before = hosts_mounts(container);
    container.spec["linux"]["rootfsPropagation"] = propagation;
    container.spec["mounts"].push_back(bind_mount(volume.path(), "/volume", {"rshared"}));
    const auto launched = container.launch();
    EXPECT_TRUE(launched) << launched.error().message;
    EXPECT_EQ(hosts_mounts(container), before);
    ::umount2(rootfs.c_str(), MNT_DETACH);
  }
  ::umount2(volume.path().c_str(), MNT_DETACH);
}

TEST(Mounts, root_can_be_read_only_with_volumes_that_are_not) {
  SKIP_UNLESS_ROOT();
  TemporaryDirectory volume;
  TestContainer container;
  container.spec["root"]["readonly"] = true;
  container.spec["mounts"].push_back(bind_mount(volume.path(), "/data", {"rw"}));
  fs::create_directories(container.directory / "rootfs/data");
  container.run_probe({"write", "/new", "write", "/data/new", "cat", "/etc/motd"});
  EXPECT_EQ(container.run().output, "/new EROFS\n/data/new ok\n/etc/motd ok\nhello\n");
  EXPECT_TRUE(fs::exists(volume / "new"));
}

// With SELinux they do: tests/lsm.
TEST(Mounts, label_that_the_kernel_can_not_give_is_an_error) {
  SKIP_UNLESS_ROOT();
  if (::access("/sys/fs/selinux/context", F_OK) == 0) GTEST_SKIP() << "this kernel can give it";
  TestContainer container;
  container.spec["linux"]["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2";
  container.spec["mounts"].push_back({{"destination", "/tmp"}, {"type", "tmpfs"}, {"source", "tmpfs"}});
  const auto launched = container.launch();
  ASSERT_FALSE(launched);
  EXPECT_NE(launched.error().to_string().find("option `context`"), std::string::npos) << launched.error().to_string();
}

TEST(Mounts, masked_and_read_only_paths) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.directory.write("rootfs/secrets/key", "k");
  container.directory.write("rootfs/token", "t");
  container.directory.write("rootfs/config/a", "a");
  container.spec["linux"]["maskedPaths"] = {"/secrets", "/token", "/proc/version", "/proc/scsi", "/absent"};
  container.spec["linux"]["readonlyPaths"] = {"/config", "/proc/sys", "/absent"};
  container.run_probe({"ls", "/secrets", "cat", "/token", "cat", "/proc/version", "write", "/config/b", "write", "/secrets/x"});
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.output, "/secrets ok\n  .\n  ..\n/token ok\n/proc/version ok\n/config/b EROFS\n/secrets/x EROFS\n");
}

TEST(Mounts, memory_of_the_process_is_not_writable_through_procfs) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.run_probe({"write", "/proc/self/mem", "write", "/proc/self/attr/current", "write", "/proc/sys/kernel/hostname"});
  EXPECT_EQ(container.run().output, "/proc/self/mem EROFS\n/proc/self/attr/current EROFS\n/proc/sys/kernel/hostname EROFS\n");
}

TEST(Mounts, devices_are_the_safe_ones) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["linux"]["devices"] = {{{"path", "/dev/net/tun"}, {"type", "c"}, {"major", 10}, {"minor", 200}, {"fileMode", 0600}}};
  container.run_probe({"write", "/dev/null", "mknod", "/dev/evil"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  struct stat info;
  for (const auto& [name, minor] : {std::pair{"null", 3u}, {"zero", 5u}, {"full", 7u}, {"random", 8u}, {"urandom", 9u}}) {
    ASSERT_EQ(::lstat(container.proc(std::string("root/dev/") + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_rdev, makedev(1, minor));
    EXPECT_EQ(info.st_mode, S_IFCHR | 0666u);
  }
  ASSERT_EQ(::lstat(container.proc("root/dev/net/tun").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode, S_IFCHR | 0600u);
  EXPECT_EQ(fs::read_symlink(container.proc("root/dev/fd")), "/proc/self/fd");
  EXPECT_EQ(container.finish().output, "/dev/null ok\nmknod EPERM\n");
}

TEST(Mounts, device_nodes_of_the_image_do_not_work) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  ASSERT_EQ(::mknod((container.directory / "rootfs/zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  container.run_probe({"open", "/zero", "open", "/dev/zero"});
  EXPECT_EQ(container.run().output, "/zero EACCES\n/dev/zero ok\n");
}

TEST(Mounts, landlock_keeps_renames_possible) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  fs::create_directories(container.directory / "rootfs/a");
  fs::create_directories(container.directory / "rootfs/b");
  container.directory.write("rootfs/a/x", "1");
  container.run_probe({"rename", "/a/x", "/b/x", "cat", "/b/x"});
  EXPECT_EQ(container.run().output, "rename ok\n/b/x ok\n1\n");
}

TEST(Mounts, what_kubernetes_mounts) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  TemporaryDirectory pod;
  pod.write("hosts", "127.0.0.1 localhost\n");
  Json& mounts = container.spec["mounts"];
  mounts.push_back({{"destination", "/dev/pts"}, {"type", "devpts"}, {"source", "devpts"},
                    {"options", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}}});
  mounts.push_back({{"destination", "/dev/mqueue"}, {"type", "mqueue"}, {"source", "mqueue"}, {"options", {"nosuid", "noexec", "nodev"}}});
  mounts.push_back({{"destination", "/sys"}, {"type", "sysfs"}, {"source", "sysfs"}, {"options", {"nosuid", "noexec", "nodev", "ro"}}});
  mounts.push_back({{"destination", "/sys/fs/cgroup"}, {"type", "cgroup"}, {"source", "cgroup"}, {"options", {"nosuid", "noexec", "nodev", "relatime", "ro"}}});
  mounts.push_back(bind_mount(pod / "hosts", "/etc/hosts", {"rprivate", "rw"}));
  for (const bool own_cgroup_namespace : {false, true}) {
    if (own_cgroup_namespace) container.spec["linux"]["namespaces"].push_back({{"type", "cgroup"}});
    container.run_probe({"cat", "/etc/hosts", "ls", "/sys/fs/cgroup/memory", "open", "/sys/fs/cgroup/cgroup.procs"});
    const Outcome outcome = container.run();
    EXPECT_TRUE(outcome.output.starts_with("/etc/hosts ok\n127.0.0.1 localhost\n")) << outcome.output;
    const bool v1 = outcome.output.find("/sys/fs/cgroup/memory ok") != std::string::npos;
    const bool v2 = outcome.output.find("/sys/fs/cgroup/cgroup.procs ok") != std::string::npos;
    EXPECT_TRUE(v1 || v2) << outcome.output;
  }
}

}  // namespace
}  // namespace wherry::sandbox
