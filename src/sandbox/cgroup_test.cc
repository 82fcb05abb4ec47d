// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sandbox/cgroup_files.h"
#include "sandbox/cgroup_v2.h"
#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

namespace fs = std::filesystem;

// Trees of plain files in the shape of a kernel's, with a cgroup /pod/c already
// there: the kernel would make the files along with the directory.
struct FakeTree : TemporaryDirectory {
  void file(const std::string& name, const std::string& text = "") const { write(name, text); }
};

struct FakeV1 : FakeTree {
  FakeV1() {
    for (const std::string& at : std::vector<std::string>{"cpu,cpuacct", "memory", "pids", "devices", "freezer", "cpuset", "systemd", "blkio"}) {
      for (const std::string& directory : std::vector<std::string>{at, at + "/pod", at + "/pod/c"}) {
        file(directory + "/cgroup.procs");
        file(directory + "/tasks");
      }
    }
    fs::create_symlink("cpu,cpuacct", *this / "cpu");
    for (const char* name : {"cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.stat", "cpuacct.usage"}) {
      file(std::string("cpu,cpuacct/pod/c/") + name);
    }
    for (const char* name : {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.stat"}) {
      file(std::string("memory/pod/c/") + name);
    }
    for (const std::string& directory : std::vector<std::string>{"cpuset", "cpuset/pod", "cpuset/pod/c"}) {
      file(directory + "/cpuset.cpus", directory == "cpuset" ? "0-3\n" : "\n");
      file(directory + "/cpuset.mems", directory == "cpuset" ? "0\n" : "\n");
    }
    file("pids/pod/c/pids.max");
    file("devices/pod/c/devices.allow");
    file("devices/pod/c/devices.deny");
    file("freezer/pod/c/freezer.state", "THAWED\n");
  }
};

struct FakeV2 : FakeTree {
  FakeV2() {
    for (const std::string& directory : std::vector<std::string>{".", "pod", "pod/c"}) {
      file(directory + "/cgroup.controllers", "cpuset cpu io memory pids\n");
      file(directory + "/cgroup.subtree_control", directory == "pod" ? "memory\n" : "");
      file(directory + "/cgroup.procs");
    }
    for (const char* name : {"memory.max", "memory.swap.max", "memory.low", "cpu.weight", "cpu.max", "pids.max", "cpuset.cpus",
                             "cpuset.mems", "memory.high", "cgroup.kill"}) {
      file(std::string("pod/c/") + name);
    }
  }
};

std::unique_ptr<Cgroup> make(const FakeTree& tree, const std::string& path = "/pod/c") {
  const auto host = CgroupHost::detect(tree.path());
  EXPECT_TRUE(host) << host.error().message;
  auto cgroup = Cgroup::create(*host, path);
  EXPECT_TRUE(cgroup) << cgroup.error().message;
  return cgroup ? std::move(*cgroup) : nullptr;
}

Resources resources(std::string_view json) {
  auto parsed = parse_resources(json);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return *parsed;
}

TEST(CgroupHost, tells_the_versions_apart) {
  const FakeV1 v1;
  auto host = CgroupHost::detect(v1.path());
  ASSERT_TRUE(host);
  EXPECT_EQ(host->version, CgroupVersion::v1);
  EXPECT_EQ(host->v1.size(), 8u);  // the link is not a hierarchy of its own
  v1.file("unified/cgroup.controllers");
  host = CgroupHost::detect(v1.path());
  EXPECT_EQ(host->version, CgroupVersion::hybrid);
  EXPECT_EQ(host->unified, v1 / "unified");
  const FakeV2 v2;
  EXPECT_EQ(CgroupHost::detect(v2.path())->version, CgroupVersion::v2);
  const TemporaryDirectory nothing;
  host = CgroupHost::detect(nothing.path());
  ASSERT_FALSE(host);
  EXPECT_EQ(host.error().message, "no cgroup hierarchy is mounted at " + nothing.path());
}

TEST(CgroupPath, is_made_canonical_or_refused) {
  struct Case {
    const char* path;
    const char* result;  // or the error
  };
  const Case cases[] = {
      {"/kubepods/burstable/pod1/c", "/kubepods/burstable/pod1/c"},
      {"relative//./x/", "/relative/x"},
      {"", "/wherry/id"},
      {"/", "cgroupsPath `/` is the root of the hierarchy"},
      {"/a/../b", "cgroupsPath `/a/../b` contains `..`"},
      {"a-b.slice:cri:id", "/a.slice/a-b.slice/cri-id.scope"},
      {"::id", "/system.slice/id.scope"},
      {"-.slice:cri:id", "/cri-id.scope"},
      {"a--b.slice:cri:id", "cgroupsPath `a--b.slice:cri:id`: `a--b.slice` is not the name of a slice"},
      {"a.service:cri:id", "cgroupsPath `a.service:cri:id`: `a.service` is not the name of a slice"},
      {"..slice:cri:", "cgroupsPath `..slice:cri:`: `cri-.scope` is not the name of a unit"},
      {"a.slice:cri:i d", "cgroupsPath `a.slice:cri:i d`: `cri-i d.scope` is not the name of a unit"},
  };
  for (const Case& one : cases) {
    const auto path = cgroup_path(one.path, "id", true);
    EXPECT_EQ(path ? path->path : path.error().message, one.result) << one.path;
  }
  EXPECT_EQ(cgroup_path("a-b.slice:cri:id", "id", false)->path, "/a-b.slice:cri:id");
  EXPECT_EQ(cgroup_path("", "../x", true).error().message, "`../x` is not a container id");
}

TEST(CgroupV1, writes_limits_as_they_are) {
  const FakeV1 tree;
  const auto cgroup = make(tree);
  const auto set = cgroup->set(resources(R"({
    "memory": {"limit": 67108864, "swap": 134217728, "reservation": 1048576},
    "cpu": {"shares": 512, "quota": 20000, "period": 50000, "cpus": "1"},
    "pids": {"limit": 7},
    "devices": [{"allow": false, "access": "rwm"}]})"));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(tree.read("memory/pod/c/memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(tree.read("memory/pod/c/memory.memsw.limit_in_bytes"), "134217728");
  EXPECT_EQ(tree.read("memory/pod/c/memory.soft_limit_in_bytes"), "1048576");
  EXPECT_EQ(tree.read("cpu,cpuacct/pod/c/cpu.shares"), "512");
  EXPECT_EQ(tree.read("cpu,cpuacct/pod/c/cpu.cfs_quota_us"), "20000");
  EXPECT_EQ(tree.read("cpu,cpuacct/pod/c/cpu.cfs_period_us"), "50000");
  EXPECT_EQ(tree.read("cpuset/pod/c/cpuset.cpus"), "1");
  EXPECT_EQ(tree.read("cpuset/pod/c/cpuset.mems"), "0");  // inherited: the kernel takes no process before
  EXPECT_EQ(tree.read("cpuset/pod/cpuset.cpus"), "0-3");
  EXPECT_EQ(tree.read("pids/pod/c/pids.max"), "7");
  EXPECT_EQ(tree.read("devices/pod/c/devices.deny"), "a");
  EXPECT_EQ(tree.read("devices/pod/c/devices.allow"), "c 136:* rwm");  // the last of several writes
  EXPECT_EQ(cgroup->memory_limit(), 67108864u);
}

TEST(CgroupV1, refuses_what_it_can_not_limit) {
  const FakeV1 tree;
  const auto cgroup = make(tree);
  EXPECT_EQ(cgroup->set(resources(R"({"unified": {"memory.high": "1"}})")).error().message,
            "linux.resources.unified needs cgroup version 2, this machine has version 1");
  EXPECT_EQ(cgroup->set(resources(R"({"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]})")).error().message,
            "this machine has no `hugetlb` cgroup controller");
}

TEST(CgroupV1, reads_its_counters) {
  const FakeV1 tree;
  tree.file("cpu,cpuacct/pod/c/cpuacct.usage", "123456789\n");
  tree.file("cpu,cpuacct/pod/c/cpuacct.stat", "user 3\nsystem 2\n");
  tree.file("cpu,cpuacct/pod/c/cpuacct.usage_percpu", "100 23 \n");
  tree.file("cpu,cpuacct/pod/c/cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 77\n");
  tree.file("memory/pod/c/memory.stat", "cache 4096\nrss 8192\ntotal_rss 8193\ntotal_inactive_file 11\ntotal_pgfault 12\ntotal_pgmajfault 13\nhierarchical_memory_limit 9223372036854771712\n");
  tree.file("memory/pod/c/memory.usage_in_bytes", "5000\n");
  tree.file("memory/pod/c/memory.limit_in_bytes", "9223372036854771712\n");
  tree.file("memory/pod/c/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  tree.file("pids/pod/c/pids.current", "3\n");
  tree.file("pids/pod/c/pids.max", "max\n");
  tree.file("blkio/pod/c/blkio.throttle.io_service_bytes_recursive", "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n");
  const auto stats = make(tree)->stats();
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_FALSE(stats->v2);
  EXPECT_EQ(stats->cpu.usage, 123456789u);
  EXPECT_EQ(stats->cpu.user, 30000000u);
  EXPECT_EQ(stats->cpu.per_cpu, (std::vector<uint64_t>{100, 23}));
  EXPECT_EQ(stats->cpu.throttled_time, 77u);
  EXPECT_EQ(stats->memory.cache, 4096u);
  EXPECT_EQ(stats->memory.total_rss, 8193u);
  EXPECT_EQ(stats->memory.total_inactive_file, 11u);
  EXPECT_EQ(stats->memory.total_pgmajfault, 13u);
  EXPECT_EQ(stats->memory.usage.usage, 5000u);
  EXPECT_EQ(stats->memory.usage.limit, UINT64_MAX);
  EXPECT_EQ(stats->memory_events.oom_kill, 2u);
  EXPECT_EQ(stats->pids.current, 3u);
  EXPECT_EQ(stats->pids.limit, UINT64_MAX);
  ASSERT_EQ(stats->io.size(), 1u);
  EXPECT_EQ(stats->io[0].major, 8u);
  EXPECT_EQ(stats->io[0].wbytes, 20u);
}

TEST(CgroupV2, converts_limits) {
  const FakeV2 tree;
  const auto cgroup = make(tree);
  const auto set = cgroup->set(resources(R"({
    "memory": {"limit": 67108864, "swap": 134217728, "reservation": 1048576},
    "cpu": {"shares": 1024, "quota": 20000, "period": 50000, "cpus": "0", "mems": "0"},
    "pids": {"limit": -1},
    "unified": {"memory.high": "60000000"}})"));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(tree.read("pod/c/memory.max"), "67108864");
  EXPECT_EQ(tree.read("pod/c/memory.swap.max"), "67108864");
  EXPECT_EQ(tree.read("pod/c/memory.low"), "1048576");
  EXPECT_EQ(tree.read("pod/c/memory.high"), "60000000");
  EXPECT_EQ(tree.read("pod/c/cpu.weight"), "100");
  EXPECT_EQ(tree.read("pod/c/cpu.max"), "20000 50000");
  EXPECT_EQ(tree.read("pod/c/pids.max"), "max");
  EXPECT_EQ(tree.read("pod/c/cpuset.cpus"), "0");
  // Controllers are enabled on the way down, those that were not yet.
  EXPECT_EQ(tree.read("cgroup.subtree_control"), "+cpuset +cpu +io +memory +pids");
  EXPECT_EQ(tree.read("pod/cgroup.subtree_control"), "+cpuset +cpu +io +pids");
}

TEST(CgroupV2, unlimited_is_max) {
  const FakeV2 tree;
  const auto cgroup = make(tree);
  ASSERT_TRUE(cgroup->set(resources(R"({"memory": {"limit": -1, "swap": -1}, "cpu": {"quota": -1}})")));
  EXPECT_EQ(tree.read("pod/c/memory.max"), "max");
  EXPECT_EQ(tree.read("pod/c/memory.swap.max"), "max");
  EXPECT_EQ(tree.read("pod/c/cpu.max"), "max 100000");
}

TEST(CgroupV2, says_what_is_wrong_with_limits) {
  const FakeV2 tree;
  const auto cgroup = make(tree);
  EXPECT_EQ(cgroup->set(resources(R"({"memory": {"limit": 10, "swap": 5}})")).error().message,
            "linux.resources.memory: swap counts memory too and is below the memory limit");
  EXPECT_EQ(cgroup->set(resources(R"({"memory": {"swap": 5}})")).error().message,
            "linux.resources.memory: a swap limit needs a memory limit");
  EXPECT_EQ(cgroup->set(resources(R"({"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]})")).error().message,
            tree / "pod/c: controller `hugetlb` is not enabled, so hugetlb.2MB.max can not be set");
}

TEST(CgroupV2, weight_keeps_the_ends_and_the_default) {
  for (const auto& [shares, weight] : {std::pair{0u, 1u}, {2u, 1u}, {1024u, 100u}, {262144u, 10000u}, {999999u, 10000u}}) {
    EXPECT_EQ(weight_of_shares(shares), weight) << shares;
  }
  for (uint64_t shares = 3; shares < 262144; shares *= 2) EXPECT_LE(weight_of_shares(shares), weight_of_shares(shares * 2));
}

TEST(CgroupV2, reads_its_counters) {
  const FakeV2 tree;
  tree.file("pod/c/cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 1\nnr_throttled 2\nthrottled_usec 3\n");
  tree.file("pod/c/memory.stat", "anon 100\nfile 200\ninactive_file 50\npgfault 6\npgmajfault 7\n");
  tree.file("pod/c/memory.current", "300\n");
  tree.file("pod/c/memory.max", "max\n");
  tree.file("pod/c/memory.events", "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n");
  tree.file("pod/c/pids.current", "2\n");
  tree.file("pod/c/pids.max", "10\n");
  tree.file("pod/c/io.stat", "254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n");
  const auto cgroup = make(tree);
  const auto stats = cgroup->stats();
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_TRUE(stats->v2);
  EXPECT_EQ(stats->cpu.usage, 1500000u);
  EXPECT_EQ(stats->cpu.throttled_time, 3000u);
  EXPECT_EQ(stats->memory.anon, 100u);
  EXPECT_EQ(stats->memory.inactive_file, 50u);
  EXPECT_EQ(stats->memory.usage.limit, UINT64_MAX);
  EXPECT_EQ(stats->memory_events.oom_kill, 4u);
  EXPECT_EQ(cgroup->oom_kills(), 4u);
  EXPECT_EQ(stats->pids.limit, 10u);
  EXPECT_EQ(stats->io[0].wios, 4u);
}

TEST(Cgroup, open_finds_what_is_there) {
  const FakeV1 tree;
  const auto host = CgroupHost::detect(tree.path());
  ASSERT_TRUE(host);
  EXPECT_TRUE(Cgroup::open(*host, "/pod/c"));
  const auto missing = Cgroup::open(*host, "/pod/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cgroup /pod/none does not exist");
}

TEST(Cgroup, does_not_take_over_one_with_processes) {
  const FakeV2 tree;
  tree.file("pod/c/cgroup.procs", "17\n");
  const auto host = CgroupHost::detect(tree.path());
  const auto cgroup = Cgroup::create(*host, std::string("/pod/c"));
  ASSERT_FALSE(cgroup);
  EXPECT_EQ(cgroup.error().message, "cgroup /pod/c exists and holds processes");

  const auto vacant = Cgroup::check_vacant(*host, std::string("/pod/c"));
  ASSERT_FALSE(vacant);
  EXPECT_EQ(vacant.error().kind, ErrorKind::already_exists);
  EXPECT_TRUE(Cgroup::check_vacant(*host, std::string("/pod/none")));
}

// On the kernel of this machine, whatever its version.
class RealCgroup : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    auto host = CgroupHost::detect();
    if (!host) GTEST_SKIP() << host.error().message;
    path_ = "/wherry-test-" + std::to_string(::getpid()) + "/c";
    auto created = Cgroup::create(*host, path_);
    ASSERT_TRUE(created) << created.error().message;
    cgroup = std::move(*created);
    host_ = *host;
  }
  void TearDown() override {
    if (!cgroup) return;
    EXPECT_TRUE(cgroup->kill_all());
    for (const int pid : children) ::waitpid(pid, nullptr, 0);
    const auto removed = cgroup->remove();
    EXPECT_TRUE(removed) << removed.error().message;
    EXPECT_TRUE(cgroup->remove());
    EXPECT_FALSE(Cgroup::open(host_, path_));
    auto parent = Cgroup::open(host_, path_.substr(0, path_.size() - 2));
    if (parent) {
      EXPECT_TRUE((*parent)->remove());
    }
  }

  // A child in the cgroup that runs `function` and waits to be killed.
  template <class Function>
  int child(Function function) {
    int gate[2];
    EXPECT_EQ(::pipe2(gate, O_CLOEXEC), 0);
    const int pid = ::fork();
    if (pid == 0) {
      char byte;
      ::close(gate[1]);
      (void)!::read(gate[0], &byte, 1);
      function();
      for (;;) ::pause();
    }
    children.push_back(pid);
    const auto added = cgroup->add(pid);
    EXPECT_TRUE(added) << added.error().message;
    ::close(gate[0]);
    ::close(gate[1]);
    return pid;
  }

  std::unique_ptr<Cgroup> cgroup;
  std::vector<int> children;
  CgroupHost host_;
  std::string path_;
};

TEST_F(RealCgroup, holds_freezes_and_kills_processes) {
  const int first = child([] {});
  const int second = child([] {});
  auto pids = cgroup->pids();
  ASSERT_TRUE(pids);
  EXPECT_EQ(*pids, (std::vector<int>{first, second}));
  const auto frozen = cgroup->freeze();
  ASSERT_TRUE(frozen) << frozen.error().message;
  ASSERT_TRUE(cgroup->thaw());
  ASSERT_TRUE(cgroup->freeze());
  ASSERT_TRUE(cgroup->kill_all());  // frozen ones too
  int status = 0;
  EXPECT_EQ(::waitpid(first, &status, 0), first);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(::waitpid(second, &status, 0), second);
  children.clear();
  EXPECT_TRUE(cgroup->pids()->empty());
}

TEST_F(RealCgroup, limits_are_in_force_and_counted) {
  const auto set = cgroup->set(resources(R"({"memory": {"limit": 67108864}, "pids": {"limit": 20}, "cpu": {"shares": 512}})"));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(cgroup->memory_limit(), 67108864u);
  child([] {});
  const auto stats = cgroup->stats();
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(stats->pids.current, 1u);
  EXPECT_EQ(stats->pids.limit, 20u);
  EXPECT_EQ(stats->memory.usage.limit, 67108864u);
}

TEST_F(RealCgroup, tells_when_memory_ran_out) {
  ASSERT_TRUE(cgroup->set(resources(R"({"memory": {"limit": 16777216, "swap": 16777216}})")));
  auto watch = cgroup->watch_oom();
  ASSERT_TRUE(watch) << watch.error().message;
  pollfd event{watch->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&event, 1, 0), 0);
  EXPECT_EQ(cgroup->oom_kills(), 0u);
  const int pid = child([] {
    for (size_t i = 0; i < 64; ++i) {
      void* page = ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (page != MAP_FAILED) std::memset(page, 1, 1 << 20);
    }
  });
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  children.clear();
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(::poll(&event, 1, 5000), 1);
  EXPECT_EQ(cgroup->oom_kills(), 1u);
}

// What may be done with kernel messages and zeros: reading, writing, mknod.
std::string device_access(const TemporaryDirectory& nodes) {
  std::string out;
  const auto note = [&](char letter, bool works) { out += works ? letter : errno == EPERM ? '-' : '?'; };
  for (const auto& [name, number] : {std::pair{"kmsg", makedev(1, 11)}, {"zero", makedev(1, 5)}}) {
    note('r', static_cast<bool>(UniqueFd(::open((nodes / name).c_str(), O_RDONLY | O_CLOEXEC))));
    note('w', static_cast<bool>(UniqueFd(::open((nodes / name).c_str(), O_WRONLY | O_CLOEXEC))));
    const std::string made = nodes / "new";
    note('m', ::mknod(made.c_str(), S_IFCHR | 0600, number) == 0);
    ::unlink(made.c_str());
    out += ' ';
  }
  return out;
}

TEST_F(RealCgroup, devices_are_those_of_its_rules) {
  const TemporaryDirectory nodes;
  for (const auto& [name, minor] : {std::pair{"kmsg", 11u}, {"zero", 5u}}) {
    if (::mknod((nodes / name).c_str(), S_IFCHR | 0600, makedev(1, minor)) != 0) GTEST_SKIP() << "mknod: " << std::strerror(errno);
  }
  if (const std::string before = device_access(nodes); before.find('?') != before.npos || before.find('-') != before.npos) GTEST_SKIP() << "the test itself may not: " << before;
  for (const auto& [rules, expected] : {std::pair{R"([{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}])", "r-- rwm "},
                                        {R"([{"allow": false}, {"allow": true, "type": "c", "major": 1, "access": "wm"}])", "-wm rwm "}}) {
    const auto set = cgroup->set(resources("{\"devices\": " + std::string(rules) + "}"));
    ASSERT_TRUE(set) << set.error().message;
    ASSERT_TRUE(cgroup->set(resources(R"({"pids": {"limit": 9}})")));  // says nothing of devices
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    child([&] {
      const std::string found = device_access(nodes);
      (void)!::write(pipe[1], found.data(), found.size());
    });
    ::close(pipe[1]);
    char found[64];
    const ssize_t size = ::read(pipe[0], found, sizeof found);
    ::close(pipe[0]);
    EXPECT_EQ(std::string(found, std::max<ssize_t>(size, 0)), expected);
  }
}

TEST_F(RealCgroup, a_container_is_born_in_it) {
  TestContainer container;
  container.cgroup = cgroup.get();
  container.run_probe({"cat", "/proc/self/cgroup"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(*cgroup->pids(), (std::vector<int>{container.init().pid()}));
  const Outcome outcome = container.finish();
  for (const std::string_view line : split_words(outcome.output, "\n")) {
    if (line.find(':') != std::string_view::npos) {
      EXPECT_TRUE(line.ends_with(":" + path_)) << line;
    }
  }
}

TEST_F(RealCgroup, in_use_is_an_error_to_remove) {
  child([] {});
  const auto removed = cgroup->remove();
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().message, "cgroup " + path_ + " is still in use");
}

}  // namespace
}  // namespace wherry::sandbox
