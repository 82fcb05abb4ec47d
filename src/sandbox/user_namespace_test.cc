// SPDX-License-Identifier: Apache-2.0
// Containers with a user namespace: what is theirs, and what stays the host's.
#include "sandbox/user_namespace.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>

#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint32_t kRoot = 100000;  // of the container, on the host

const Json kMappings = {{{"containerID", 0}, {"hostID", kRoot}, {"size", 65536}}};

std::string link(const std::string& path) { return fs::read_symlink(path).string(); }

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::pair<uid_t, gid_t> owner(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return {info.st_uid, info.st_gid};
}

constexpr std::pair<uid_t, gid_t> kHostsRoot{0, 0}, kContainersRoot{kRoot, kRoot};

void give(const std::string& path, uid_t id) {
  ASSERT_EQ(::lchown(path.c_str(), id, id), 0);
  if (!fs::is_directory(path)) return;
  for (const auto& entry : fs::recursive_directory_iterator(path)) ASSERT_EQ(::lchown(entry.path().c_str(), id, id), 0);
}

// The inode of the user namespace that a namespace belongs to.
ino_t belongs_to(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd user(::ioctl(fd.get(), NS_GET_USERNS));
  struct stat info {};
  EXPECT_EQ(::fstat(user.get(), &info), 0) << path;
  return info.st_ino;
}

// A container with a root file system of its own ids.
struct Remapped : TestContainer {
  Remapped() {
    spec["linux"]["namespaces"].push_back({{"type", "user"}});
    spec["linux"]["uidMappings"] = spec["linux"]["gidMappings"] = kMappings;
    give(directory / "rootfs", kRoot);
  }
  std::string rootfs(const std::string& name) const { return directory / ("rootfs/" + name); }
};

Json volume(const std::string& source, const std::string& destination, std::vector<std::string> options = {}) {
  options.insert(options.begin(), "rbind");
  return {{"destination", destination}, {"type", "bind"}, {"source", source}, {"options", options}};
}

// What `act` says as root, with every capability, of a user namespace that others are in.
int as_root_of(const std::string& user_namespace, const std::function<int()>& act) {
  const UniqueFd fd(::open(user_namespace.c_str(), O_RDONLY | O_CLOEXEC));
  const int child = ::fork();
  if (child == 0) {
    const bool inside = ::setns(fd.get(), CLONE_NEWUSER) == 0 && ::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0;
    ::_exit(inside ? act() : 255);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A program that was executed in this process's user namespace.
pid_t start_ordinary_program() {
  int executed[2];
  if (::pipe2(executed, O_CLOEXEC) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl("/bin/sleep", "sleep", "60", nullptr);
    ::_exit(1);
  }
  ::close(executed[1]);
  char byte;
  while (::read(executed[0], &byte, 1) < 0 && errno == EINTR) {
  }
  return pid;
}

TEST(IdMaps, are_checked_before_the_kernel_sees_them) {
  struct Case {
    std::vector<IdMapping> uids;
    const char* message;
  };
  const Case cases[] = {
      {{}, "uidMappings: a user namespace needs some"},
      {{{0, 1000, 0}}, "uidMappings: a range of size 0"},
      {{{0, 4294967295, 1}}, "uidMappings: a range ends past 4294967294"},
      {{{4294967290, 0, 10}}, "uidMappings: a range ends past 4294967294"},
      {{{0, 1000, 10}, {9, 5000, 1}}, "uidMappings: two ranges overlap"},
      {{{20, 1000, 10}, {0, 1009, 10}}, "uidMappings: two ranges overlap"},
      {std::vector<IdMapping>(341, {0, 0, 1}), "uidMappings: 341 ranges, the kernel's limit is 340"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.message);
    const auto checked = check_id_maps({one.uids, {{0, 1000, 10}}});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().message, one.message);
  }
  EXPECT_EQ(check_id_maps({{{0, 1000, 10}}, {}}).error().message, "gidMappings: a user namespace needs some");
  EXPECT_TRUE(check_id_maps({{{0, 1000, 10}, {10, 0, 1000}}, {{0, 0, 4294967295}}}));
}

TEST(IdMaps, are_read_as_containerd_writes_them) {
  const auto mappings = parse_id_mappings("0:65536:1000,1000:5:1");
  ASSERT_TRUE(mappings);
  EXPECT_EQ(*mappings, (std::vector<IdMapping>{{0, 65536, 1000}, {1000, 5, 1}}));
  for (const char* wrong : {"0:1", "0:1:2:3", "a:1:2", "-1:1:2", "0:1:4294967296", "0:1:2x"}) EXPECT_FALSE(parse_id_mappings(wrong)) << wrong;
}

TEST(IdMaps, tell_the_hosts_id) {
  const std::vector<IdMapping> mappings = {{0, 65536, 1000}, {2000, 5, 1}};
  EXPECT_EQ(host_id(mappings, 0), 65536u);
  EXPECT_EQ(host_id(mappings, 999), 66535u);
  EXPECT_EQ(host_id(mappings, 1000), std::nullopt);
  EXPECT_EQ(host_id(mappings, 2000), 5u);
}

TEST(UserNamespace, is_made_with_its_maps_and_with_nobody_in_it) {
  SKIP_UNLESS_ROOT();
  const auto made = make_user_namespace({{{0, 7000, 10}, {10, 0, 5}}, {{0, 8000, 10}}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(as_root_of("/proc/self/fd/" + std::to_string(made->get()), [] {
              const auto maps = own_id_maps();
              return maps && *maps == IdMaps{{{0, 7000, 10}, {10, 0, 5}}, {{0, 8000, 10}}} ? 0 : 1;
            }),
            0);
}

TEST(UserNamespace, owns_every_other_namespace_of_the_container) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.spec["linux"]["namespaces"].push_back({{"type", "cgroup"}});
  container.run_probe({"cat", "/proc/sys/kernel/hostname", "bind", "80"});
  container.spec["process"]["capabilities"] = {{"bounding", {"CAP_NET_BIND_SERVICE"}}, {"effective", {"CAP_NET_BIND_SERVICE"}}, {"permitted", {"CAP_NET_BIND_SERVICE"}}};
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(container.init().warnings(), "");
  EXPECT_EQ(text_of(container.proc("uid_map")), "         0     100000      65536\n");
  EXPECT_EQ(text_of(container.proc("gid_map")), "         0     100000      65536\n");
  EXPECT_EQ(container.status("Uid"), "100000\t100000\t100000\t100000");
  EXPECT_EQ(container.status("Gid"), "100000\t100000\t100000\t100000");
  EXPECT_EQ(container.status("Groups"), " ");
  EXPECT_EQ(container.status("NSpid").substr(container.status("NSpid").find('\t') + 1), "1");
  struct stat user {};
  ASSERT_EQ(::stat(container.proc("ns/user").c_str(), &user), 0);
  for (const char* name : {"pid", "net", "ipc", "uts", "mnt", "cgroup"}) {
    EXPECT_NE(link(container.proc(std::string("ns/") + name)), link(std::string("/proc/self/ns/") + name)) << name;
    EXPECT_EQ(belongs_to(container.proc(std::string("ns/") + name)), user.st_ino) << name;
  }
  EXPECT_EQ(container.finish().output, "/proc/sys/kernel/hostname ok\nprobe\n\nbind ok\n");
}

TEST(UserNamespace, gives_no_capability_over_the_hosts_namespaces) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.spec["linux"]["namespaces"] = {{{"type", "mount"}}, {{"type", "user"}}, {{"type", "pid"}}, {{"type", "uts"}}};
  container.spec["process"]["capabilities"] = {{"bounding", {"CAP_NET_BIND_SERVICE"}}, {"effective", {"CAP_NET_BIND_SERVICE"}}, {"permitted", {"CAP_NET_BIND_SERVICE"}}};
  container.run_probe({"bind", "80"});
  EXPECT_EQ(container.run().output, "bind EACCES\n");
}

TEST(UserNamespace, guest_is_nobody_of_the_host) {
  SKIP_UNLESS_ROOT();
  TemporaryDirectory shared;
  shared.write("secret", "x");
  ASSERT_EQ(::chmod((shared / "secret").c_str(), 0600), 0);
  fs::permissions(shared.path(), fs::perms::all);
  Remapped container;
  container.spec["process"]["capabilities"] = {{"bounding", {"CAP_DAC_OVERRIDE"}}, {"effective", {"CAP_DAC_OVERRIDE"}}, {"permitted", {"CAP_DAC_OVERRIDE"}}};
  container.spec["mounts"].push_back(volume(shared.path(), "/made/shared"));
  container.run_probe({"write", "/own", "write", "/made/shared/new", "open", "/made/shared/secret", "cat", "/etc/motd"});
  EXPECT_EQ(container.run().output, "/own ok\n/made/shared/new ok\n/made/shared/secret EACCES\n/etc/motd ok\nhello\n");
  EXPECT_EQ(owner(container.rootfs("own")), kContainersRoot);
  EXPECT_EQ(owner(container.rootfs("made")), kContainersRoot);  // a mount point
  EXPECT_EQ(owner(shared / "new"), kContainersRoot);
}

TEST(UserNamespace, guest_is_the_user_of_the_specification) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.spec["process"]["user"] = {{"uid", 1000}, {"gid", 3000}, {"additionalGids", {4000}}};
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(container.status("Uid"), "101000\t101000\t101000\t101000");
  EXPECT_EQ(container.status("Gid"), "103000\t103000\t103000\t103000");
  EXPECT_EQ(container.status("Groups"), "104000 ");
}

TEST(UserNamespace, is_joined_by_the_containers_of_a_pod) {
  SKIP_UNLESS_ROOT();
  Remapped pod;
  const auto paused = pod.launch(InitKind::pause);
  ASSERT_TRUE(paused) << paused.error().message;
  ASSERT_TRUE(pod.init().start());
  Remapped member;
  Json& namespaces = member.spec["linux"]["namespaces"];
  namespaces = {{{"type", "mount"}}};
  for (const auto& [type, file] : {std::pair{"user", "user"}, {"pid", "pid"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}}) {
    namespaces.push_back({{"type", type}, {"path", pod.proc(std::string("ns/") + file)}});
  }
  member.spec["hostname"] = "member";
  member.spec["linux"]["sysctl"] = {{"net.ipv4.ip_unprivileged_port_start", "70"}};
  member.run_probe({"cat", "/etc/motd", "cat", "/proc/1/comm", "bind", "75", "exit", "3"});
  const auto launched = member.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  for (const char* name : {"user", "pid", "net", "ipc", "uts"}) {
    EXPECT_EQ(link(member.proc(std::string("ns/") + name)), link(pod.proc(std::string("ns/") + name))) << name;
  }
  const Outcome outcome = member.finish();
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.output, "/etc/motd ok\nhello\n/proc/1/comm ok\nwherry-pause\n\nbind ok\n");
}

TEST(UserNamespace, of_another_kind_or_with_other_ids_is_not_joined) {
  SKIP_UNLESS_ROOT();
  const auto other = make_user_namespace({{{0, 200000, 65536}}, {{0, 200000, 65536}}});
  ASSERT_TRUE(other);
  const std::string path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(other->get());
  const std::pair<std::string, std::string> cases[] = {
      {path, "the user namespace has other ids than uidMappings and gidMappings say"},
      {"/proc/self/ns/net", "namespace /proc/self/ns/net is no user namespace"},
      {"/proc/self/ns/user", "cannot join user namespace /proc/self/ns/user: Invalid argument"},
      {"/no/such", "namespace /no/such: No such file or directory"},
  };
  for (const auto& [at, message] : cases) {
    SCOPED_TRACE(at);
    Remapped container;
    container.spec["linux"]["namespaces"].back()["path"] = at;
    const auto launched = container.launch();
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().message, message);
  }
}

TEST(UserNamespace, needs_maps_that_have_the_user_and_root) {
  SKIP_UNLESS_ROOT();
  const std::pair<Json, std::string> cases[] = {
      {Json::parse(R"({"linux": {"uidMappings": []}})"), "uidMappings: a user namespace needs some"},
      {Json::parse(R"({"linux": {"uidMappings": [{"containerID": 1, "hostID": 100000, "size": 10}]}})"), "user 0 of the user namespace: Invalid argument"},
      {Json::parse(R"({"linux": {"gidMappings": [{"containerID": 1, "hostID": 100000, "size": 10}]}})"), "group 0 of the user namespace: Invalid argument"},
      {Json::parse(R"({"process": {"user": {"uid": 70000}}})"), "user 70000 is not mapped in the user namespace"},
      {Json::parse(R"({"process": {"user": {"gid": 70000}}})"), "group 70000 is not mapped in the user namespace"},
      {Json::parse(R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}]}})"), "config.json: uidMappings and gidMappings need a user namespace"},
  };
  for (const auto& [patch, message] : cases) {
    SCOPED_TRACE(message);
    Remapped container;
    container.spec.merge_patch(patch);
    const auto launched = container.launch();
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().message, message);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  }
}

TEST(UserNamespace, that_maps_root_to_root_is_told_of) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.spec["linux"]["uidMappings"][0]["hostID"] = 0;
  give(container.directory / "rootfs", 0);
  container.spec["linux"]["gidMappings"][0]["hostID"] = 0;
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(container.init().warnings(), "uidMappings: root of the container is root of the host");
}

// A pod may hold native programs that are root of the same user namespace, with
// the capability to trace.
TEST(UserNamespace, its_root_can_not_trace_or_read_our_processes) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.run_probe({"hold"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  const auto exec = container.exec({"hold"});
  ASSERT_TRUE(exec) << exec.error().message;
  for (const int pid : {container.init().pid(), (*exec)->process().pid()}) {
    const auto act = [pid] {
      const std::string directory = "/proc/" + std::to_string(pid);
      if (::kill(pid, 0) != 0) return 1;  // that much it may
      const pid_t ordinary = start_ordinary_program();
      const bool traces = ::ptrace(PTRACE_SEIZE, ordinary, nullptr, nullptr) == 0;
      ::kill(ordinary, SIGKILL);
      if (!traces) return 6;
      if (::open((directory + "/mem").c_str(), O_RDWR) >= 0) return 2;
      if (::open((directory + "/ns/mnt").c_str(), O_RDONLY) >= 0) return 3;
      if (::open((directory + "/root").c_str(), O_PATH) >= 0) return 4;
      return ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 ? 5 : 0;
    };
    EXPECT_EQ(as_root_of(container.proc("ns/user"), act), 0);
  }
}

TEST(UserNamespace, is_entered_by_an_exec) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.run_probe({"hold"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  ASSERT_TRUE(container.init().start());
  const auto exec = container.exec({"cat", "/etc/motd", "write", "/by-exec"}, {{"user", {{"uid", 0}}}});
  ASSERT_TRUE(exec) << exec.error().message;
  const int pid = (*exec)->process().pid();
  for (const char* name : {"user", "pid", "net", "ipc", "uts", "mnt", "cgroup"}) {
    const std::string file = std::string("ns/") + name;
    EXPECT_EQ(link("/proc/" + std::to_string(pid) + "/" + file), link(container.proc(file))) << name;
  }
  EXPECT_EQ((*exec)->finish().output, "/etc/motd ok\nhello\n/by-exec ok\n");
  EXPECT_EQ(owner(container.rootfs("by-exec")), kContainersRoot);
}

// Root of a user namespace may not raise a hard limit.
TEST(UserNamespace, has_limits_beyond_the_shims) {
  SKIP_UNLESS_ROOT();
  if (::prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE) != 1) GTEST_SKIP() << "needs CAP_SYS_RESOURCE";
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_MSGQUEUE, &before), 0);
  const rlim_t more = before.rlim_max + 4321;
  Remapped container;
  container.spec["process"]["rlimits"] = {{{"type", "RLIMIT_MSGQUEUE"}, {"soft", more}, {"hard", more}}};
  container.run_probe({"hold"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  const auto exec = container.exec({"hold"});
  ASSERT_TRUE(exec) << exec.error().message;
  for (const int pid : {container.init().pid(), (*exec)->process().pid()}) {
    EXPECT_NE(text_of("/proc/" + std::to_string(pid) + "/limits").find(" " + std::to_string(more) + " "), std::string::npos);
  }
}

TEST(UserNamespace, has_the_devices_of_the_host) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.run_probe({"write", "/dev/null", "open", "/dev/zero", "open", "/dev/urandom"});
  EXPECT_EQ(container.run().output, "/dev/null ok\n/dev/zero ok\n/dev/urandom ok\n");
  Remapped other;
  other.spec["linux"]["devices"] = {{{"path", "/dev/null"}, {"type", "c"}, {"major", 1}, {"minor", 5}}};
  const auto launched = other.launch();
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().message, "device /dev/null: the host has another one there, and a user namespace can not make one");
}

TEST(UserNamespace, takes_what_kubernetes_mounts) {
  SKIP_UNLESS_IDS_CAN_BE_MAPPED();
  SKIP_UNLESS_ROOT();
  for (const bool own_cgroup_namespace : {false, true}) {
    SCOPED_TRACE(own_cgroup_namespace);
    Remapped container;
    TemporaryDirectory pod;
    pod.write("hosts", "127.0.0.1 localhost\n");
    Json& mounts = container.spec["mounts"];
    mounts.push_back({{"destination", "/dev/pts"}, {"type", "devpts"}, {"source", "devpts"}, {"options", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}}});
    mounts.push_back({{"destination", "/dev/mqueue"}, {"type", "mqueue"}, {"source", "mqueue"}, {"options", {"nosuid", "noexec", "nodev"}}});
    mounts.push_back({{"destination", "/sys"}, {"type", "sysfs"}, {"source", "sysfs"}, {"options", {"nosuid", "noexec", "nodev", "ro"}}});
    mounts.push_back({{"destination", "/sys/fs/cgroup"}, {"type", "cgroup"}, {"source", "cgroup"}, {"options", {"nosuid", "noexec", "nodev", "relatime", "ro"}}});
    Json hosts = volume(pod / "hosts", "/etc/hosts", {"rprivate", "rw"});
    hosts["uidMappings"] = hosts["gidMappings"] = kMappings;
    mounts.push_back(hosts);
    container.spec["linux"]["maskedPaths"] = {"/proc/kcore", "/proc/scsi", "/sys/firmware"};
    container.spec["linux"]["readonlyPaths"] = {"/proc/sys", "/proc/bus"};
    if (own_cgroup_namespace) container.spec["linux"]["namespaces"].push_back({{"type", "cgroup"}});
    container.run_probe({"cat", "/etc/hosts", "write", "/etc/hosts", "ls", "/sys/fs/cgroup/memory", "open", "/sys/fs/cgroup/cgroup.procs", "open", "/sys/class/net/lo/mtu"});
    const Outcome outcome = container.run();
    EXPECT_TRUE(outcome.output.starts_with("/etc/hosts ok\n127.0.0.1 localhost\n\n/etc/hosts ok\n")) << outcome.output;
    const bool v1 = outcome.output.find("/sys/fs/cgroup/memory ok") != std::string::npos;
    const bool v2 = outcome.output.find("/sys/fs/cgroup/cgroup.procs ok") != std::string::npos;
    EXPECT_TRUE(v1 || v2) << outcome.output;
    EXPECT_TRUE(outcome.output.ends_with("/sys/class/net/lo/mtu ok\n")) << outcome.output;
  }
}

// Not the owner of its network, it may have no sysfs of its own.
TEST(UserNamespace, shows_the_hosts_sysfs_read_only_where_it_can_have_none) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.spec["linux"]["namespaces"] = {{{"type", "mount"}}, {{"type", "user"}}, {{"type", "pid"}}, {{"type", "uts"}}};
  container.spec["mounts"].push_back({{"destination", "/sys"}, {"type", "sysfs"}, {"source", "sysfs"}, {"options", {"nosuid", "noexec", "nodev"}}});
  container.run_probe({"open", "/sys/class/net/lo/mtu", "write", "/sys/class/net/lo/mtu", "write", "/sys/fs/cgroup/new"});
  EXPECT_EQ(container.run().output, "/sys/class/net/lo/mtu ok\n/sys/class/net/lo/mtu EACCES\n/sys/fs/cgroup/new EROFS\n");
}

TEST(UserNamespace, has_terminals) {
  SKIP_UNLESS_ROOT();
  Remapped container;
  container.spec["process"]["terminal"] = true;
  container.spec["process"]["user"]["uid"] = 1000;
  container.spec["mounts"].push_back({{"destination", "/dev/pts"}, {"type", "devpts"}, {"source", "devpts"}, {"options", {"newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}}});
  container.run_probe({"write", "/dev/console", "write", "/dev/tty", "hold"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(owner(container.proc("root/dev/pts/0")), (std::pair<uid_t, gid_t>{kRoot + 1000, kRoot + 5}));
  const UniqueFd console = container.init().take_console();
  ASSERT_TRUE(container.init().start());
  std::string output(256, '\0');
  ::fcntl(console.get(), F_SETFL, 0);
  std::string all;
  while (all.find("/dev/tty ok") == std::string::npos) {
    const ssize_t n = ::read(console.get(), output.data(), output.size());
    ASSERT_GT(n, 0) << all;
    all.append(output.data(), static_cast<size_t>(n));
  }
  EXPECT_EQ(all.substr(0, all.find("/dev/tty")), "/dev/console ok\r\n");
}

TEST(MappedMount, shows_a_volume_with_the_containers_ids) {
  SKIP_UNLESS_IDS_CAN_BE_MAPPED();
  SKIP_UNLESS_ROOT();
  for (const bool by_option : {false, true}) {
    SCOPED_TRACE(by_option);
    TemporaryDirectory data;  // on the host's disk, and closed to others
    data.write("sub/secret", "s");
    ASSERT_EQ(::chmod((data / "sub/secret").c_str(), 0600), 0);
    Remapped container;
    Json mount = volume(data / "sub", "/data", {by_option ? "ridmap" : "rw"});
    if (!by_option) mount["uidMappings"] = mount["gidMappings"] = kMappings;
    container.spec["mounts"].push_back(mount);
    container.run_probe({"cat", "/data/secret", "write", "/data/new"});
    EXPECT_EQ(container.run().output, "/data/secret ok\ns\n/data/new ok\n");
    EXPECT_EQ(owner(data / "sub/new"), kHostsRoot);
    EXPECT_EQ(owner(data / "sub/secret"), kHostsRoot);
  }
}

TEST(MappedMount, needs_no_user_namespace) {
  SKIP_UNLESS_IDS_CAN_BE_MAPPED();
  SKIP_UNLESS_ROOT();
  TemporaryDirectory data;
  data.write("file", "s");
  TestContainer container;
  Json mount = volume(data.path(), "/data");
  mount["uidMappings"] = mount["gidMappings"] = kMappings;
  container.spec["mounts"].push_back(mount);
  container.run_probe({"hold"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(owner(container.proc("root/data/file")), kContainersRoot);
}

TEST(MappedMount, maps_what_is_mounted_below_if_asked) {
  SKIP_UNLESS_IDS_CAN_BE_MAPPED();
  SKIP_UNLESS_ROOT();
  TemporaryDirectory data;
  fs::create_directories(data / "below");
  ASSERT_EQ(::mount("below", (data / "below").c_str(), "tmpfs", 0, nullptr), 0);
  for (const auto& [option, id] : {std::pair{"idmap", 0u}, {"ridmap", kRoot}}) {
    Remapped container;
    container.spec["mounts"].push_back(volume(data.path(), "/data", {option}));
    const auto launched = container.launch();
    EXPECT_TRUE(launched) << launched.error().message;
    if (!launched) continue;
    EXPECT_EQ(owner(container.proc("root/data")).first, kRoot);
    EXPECT_EQ(owner(container.proc("root/data/below")).first, id);
  }
  ::umount2((data / "below").c_str(), MNT_DETACH);
}

TEST(MappedMount, of_what_can_not_be_mapped_is_an_error) {
  SKIP_UNLESS_ROOT();
  const Json nothing = Json::array();
  Json both = volume("/proc/sys", "/x");
  both["uidMappings"] = both["gidMappings"] = kMappings;
  Json half = volume("/tmp", "/x");
  half["uidMappings"] = kMappings;
  const std::pair<Json, std::string> cases[] = {
      {both, "mount /x: its ids can not be mapped: the file system does not support it on this kernel"},
      {half, "mount /x: gidMappings: a user namespace needs some"},
      {{{"destination", "/x"}, {"type", "tmpfs"}, {"options", {"idmap"}}}, "mount /x: only ids of a bind mount can be mapped"},
      {volume("/tmp", "/x", {"idmap"}), "mount /x: option `idmap` needs mappings or a user namespace"},
  };
  for (const auto& [mount, message] : cases) {
    SCOPED_TRACE(message);
    TestContainer container;
    container.spec["mounts"].push_back(mount);
    const auto launched = container.launch();
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().message, message);
  }
}

}  // namespace
}  // namespace wherry::sandbox
