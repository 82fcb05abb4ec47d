// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <set>

#include "sandbox/guest_memory.h"
#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

using Json = nlohmann::json;

std::string link(const std::string& path) { return std::filesystem::read_symlink(path).string(); }

TEST(Init, runs_and_gives_its_exit_code) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.run_probe({"cat", "/etc/motd", "exit", "42"});
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.code, 42);
  EXPECT_EQ(outcome.output, "/etc/motd ok\nhello\n");
}

TEST(Init, has_the_namespaces_that_were_asked_for) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["linux"]["namespaces"].push_back({{"type", "cgroup"}});
  container.run_probe({"cat", "/proc/sys/kernel/hostname", "open", "/proc/1/status", "ls", "/proc/sys/net/ipv4/conf"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  for (const char* name : {"pid", "net", "ipc", "uts", "mnt", "cgroup"}) {
    EXPECT_NE(link(container.proc(std::string("ns/") + name)), link(std::string("/proc/self/ns/") + name)) << name;
  }
  EXPECT_EQ(container.status("NSpid").substr(container.status("NSpid").find('\t') + 1), "1");
  const Outcome outcome = container.finish();
  EXPECT_NE(outcome.output.find("\nprobe\n"), std::string::npos) << outcome.output;
}

TEST(Init, joins_namespaces_by_path_pid_too) {
  SKIP_UNLESS_ROOT();
  TestContainer pod;
  pod.spec["process"]["args"] = {"/pause"};
  const auto paused = pod.launch(InitKind::pause);
  ASSERT_TRUE(paused) << paused.error().message;
  ASSERT_TRUE(pod.init().start());

  TestContainer member;
  Json& namespaces = member.spec["linux"]["namespaces"];
  namespaces = {{{"type", "mount"}}};
  for (const auto& [type, file] : {std::pair{"pid", "pid"}, {"network", "net"}, {"ipc", "ipc"}, {"uts", "uts"}}) {
    namespaces.push_back({{"type", type}, {"path", pod.proc(std::string("ns/") + file)}});
  }
  member.run_probe({"exit", "3"});
  const auto launched = member.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  for (const char* name : {"pid", "net", "ipc", "uts"}) {
    EXPECT_EQ(link(member.proc(std::string("ns/") + name)), link(pod.proc(std::string("ns/") + name))) << name;
  }
  EXPECT_EQ(member.finish().code, 3);
  // The thread that joined the pod's pid namespace is back in its own.
  TestContainer next;
  EXPECT_EQ(next.run().code, 0);
}

TEST(Init, leaks_no_descriptor_and_no_environment) {
  SKIP_UNLESS_ROOT();
  const UniqueFd leaky(::open("/etc/hostname", O_RDONLY));  // not close-on-exec
  ::setenv("WHERRY_TEST_SECRET", "1", 1);
  TestContainer container;
  container.run_probe({"environ"});
  const auto launched = container.launch();
  ::unsetenv("WHERRY_TEST_SECRET");
  ASSERT_TRUE(launched) << launched.error().message;
  for (const auto& entry : std::filesystem::directory_iterator(container.proc("fd"))) {
    const std::string target = link(entry.path());
    const std::string number = entry.path().filename();
    const bool standard = number == "0" || number == "1" || number == "2";
    const bool ours = target.starts_with("socket:") || target == "anon_inode:[signalfd]" || target == "/";
    EXPECT_TRUE(standard || ours) << number << " is " << target;
  }
  EXPECT_EQ(std::filesystem::file_size(container.proc("environ")), 0u);
  std::ifstream environment(container.proc("environ"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(environment), {}), "");
  EXPECT_EQ(container.finish().output, "");
}

TEST(Init, has_few_system_calls_left) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.run_probe({"system-calls"});
  const Outcome outcome = container.run();
  EXPECT_EQ(outcome.output,
            "mount EPERM\numount EPERM\nptrace EPERM\nexecve EPERM\nexecveat EPERM\nfork EPERM\nunshare EPERM\nsetns EPERM\n"
            "bpf EPERM\nkeyctl EPERM\nchroot EPERM\nio_uring EPERM\nuserfaultfd EPERM\nkill EPERM\nnetlink EPERM\n"
            "setrlimit EPERM\ntiocsti EPERM\nmmap rwx EPERM\nmmap rx EPERM\nmmap rw ok\nmprotect rx EPERM\nmprotect r ok\n"
            "tcp socket ok\nthread ok\n");
}

TEST(Init, keeps_only_a_guests_capabilities) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  const Json all = {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETUID"};
  container.spec["process"]["capabilities"] = {{"bounding", all}, {"effective", all}, {"permitted", all}, {"inheritable", all}};
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  // CHOWN 0, DAC_OVERRIDE 1, NET_BIND_SERVICE 10; FOWNER was not asked for.
  EXPECT_EQ(container.status("CapEff"), "0000000000000403");
  EXPECT_EQ(container.status("CapPrm"), "0000000000000403");
  EXPECT_EQ(container.status("CapBnd"), "0000000000000403");
  EXPECT_EQ(container.status("CapInh"), "0000000000000000");
  EXPECT_EQ(container.status("CapAmb"), "0000000000000000");
  EXPECT_EQ(container.status("NoNewPrivs"), "1");
  EXPECT_EQ(container.status("Seccomp"), "2");
  EXPECT_EQ(container.status("Seccomp_filters"), "1");
}

TEST(Init, runs_as_the_user_of_the_specification) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["process"]["user"] = {{"uid", 1000}, {"gid", 3000}, {"umask", 7}, {"additionalGids", {4000, 5000}}};
  container.spec["process"]["capabilities"] = {{"bounding", {"CAP_CHOWN"}}, {"effective", {"CAP_CHOWN"}}, {"permitted", {"CAP_CHOWN"}}};
  container.directory.write("rootfs/secret", "x");
  std::filesystem::permissions(container.directory / "rootfs/secret", std::filesystem::perms::owner_read);
  container.run_probe({"open", "/secret", "open", "/etc/motd"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(container.status("Uid"), "1000\t1000\t1000\t1000");
  EXPECT_EQ(container.status("Gid"), "3000\t3000\t3000\t3000");
  EXPECT_EQ(container.status("Groups"), "4000 5000 ");
  EXPECT_EQ(container.status("Umask"), "0007");
  EXPECT_EQ(container.status("CapEff"), "0000000000000000");
  EXPECT_EQ(container.finish().output, "/secret EACCES\n/etc/motd ok\n");
}

TEST(Init, sets_rlimits_cwd_and_oom_score) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["process"]["rlimits"] = {{{"type", "RLIMIT_NOFILE"}, {"soft", 100}, {"hard", 200}},
                                          {{"type", "RLIMIT_AS"}, {"soft", 1}, {"hard", 1}}};
  container.spec["process"]["cwd"] = "/made/on/demand";
  container.spec["process"]["oomScoreAdj"] = 500;
  container.run_probe({"pwd"});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_EQ(container.init().warnings(), "RLIMIT_AS is not applied: a Wasm memory reserves its whole address range");
  std::ifstream limits(container.proc("limits"));
  const std::string text(std::istreambuf_iterator<char>(limits), {});
  EXPECT_NE(text.find("Max open files            100                  200 "), std::string::npos) << text;
  int score = 0;
  std::ifstream(container.proc("oom_score_adj")) >> score;
  EXPECT_EQ(score, 500);
  EXPECT_EQ(container.finish().output, "/made/on/demand\n");
}

TEST(Init, goes_on_when_the_oom_score_can_not_be_lowered) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["process"]["oomScoreAdj"] = -998;
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  int score = 0;
  std::ifstream(container.proc("oom_score_adj")) >> score;
  if (score != -998) {
    EXPECT_EQ(container.init().warnings(), "cannot lower oom_score_adj to -998: CAP_SYS_RESOURCE is missing");
  }
}

TEST(Init, can_not_write_to_its_own_program) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  const UniqueFd exe(::open(container.proc("exe").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(exe);
  // The way of CVE-2019-5736 is to open it for writing once nobody runs it. A
  // mount that is read-only and that nobody can reach to change it is in the way.
  struct statvfs info;
  ASSERT_EQ(::fstatvfs(exe.get(), &info), 0);
  const bool sealed = (::fcntl(exe.get(), F_GET_SEALS) & F_SEAL_WRITE) != 0 && ::fcntl(exe.get(), F_GET_SEALS) > 0;
  EXPECT_TRUE((info.f_flag & ST_RDONLY) != 0 || sealed);
  std::ifstream mounts(container.proc("mountinfo"));
  for (std::string line; std::getline(mounts, line);) EXPECT_EQ(line.find("sandbox_test"), std::string::npos) << line;
}

TEST(Init, errors_come_back_in_one_line) {
  SKIP_UNLESS_ROOT();
  struct Case {
    Json patch;
    const char* message;
  };
  const Case cases[] = {
      {Json::parse(R"({"process": {"args": ["fail-to-load"]}})"), "cannot load the guest"},
      {Json::parse(R"({"mounts": [{"destination": "/x", "type": "bind", "source": "/no/such", "options": ["rbind"]}]})"),
       "mount /x: /no/such: No such file or directory"},
      {Json::parse(R"({"mounts": [{"destination": "/x", "type": "nofs"}]})"), "mount /x: this kernel has no file system `nofs`"},
      {Json::parse(R"({"mounts": [{"destination": "/x", "type": "tmpfs", "options": ["size=oops"]}]})"),
       "mount /x: tmpfs: option `size`: tmpfs: Bad value for 'size'"},
      {Json::parse(R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "user"}]}})"),
       "uidMappings: a user namespace needs some"},
      {Json::parse(R"({"linux": {"timeOffsets": {"boottime": {"secs": 7}}}})"),
       "time namespaces with offsets are not supported"},
      {Json::parse(R"({"linux": {"namespaces": [{"type": "mount"}]}})"),
       "config.json: hostname needs a uts namespace, it would rename the host"},
      {Json::parse(R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "network", "path": "/no/net"}]}})"),
       "namespace /no/net: No such file or directory"},
      {Json::parse(R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "pid", "path": "/no/pid"}]}})"),
       "pid namespace /no/pid: No such file or directory"},
      {Json::parse(R"({"linux": {"sysctl": {"kernel.panic": "1"}}})"),
       "sysctl `kernel.panic` is not of a namespace, it would change the host"},
      {Json::parse(R"({"linux": {"sysctl": {"net/../kernel/panic": "1"}}})"), "sysctl `net/../kernel/panic`: not a name"},
      {Json::parse(R"({"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}], "sysctl": {"kernel.shmmax": "1"}}})"),
       "sysctl `kernel.shmmax`: the container shares this namespace with the host"},
      {Json::parse(R"({"process": {"terminal": true}})"), "terminal: /dev/pts/ptmx: No such file or directory; the container needs a devpts at /dev/pts"},
      {Json::parse(R"({"hooks": {"createRuntime": [{"path": "/bin/false"}]}})"), "createRuntime hook /bin/false: exit code 1"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.message);
    TestContainer container;
    container.spec.merge_patch(one.patch);
    const auto launched = container.launch();
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().message, one.message);
  }
}

// Older kernels give a new one to a process's children only, not to itself when it
// executes; without offsets there is no difference to see.
TEST(Init, gets_a_time_namespace_of_its_own) {
  SKIP_UNLESS_ROOT();
  const std::string own = link("/proc/self/ns/time_for_children");
  if (own.empty()) GTEST_SKIP() << "no time namespaces in this kernel";
  TestContainer container;
  container.spec["linux"]["namespaces"].push_back({{"type", "time"}});
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  EXPECT_NE(link(container.proc("ns/time_for_children")), own);
}

TEST(Init, signals_before_the_start_end_it) {
  SKIP_UNLESS_ROOT();
  for (const auto& [number, code] : {std::pair{SIGTERM, 143}, {SIGINT, 130}, {SIGKILL, 137}}) {
    TestContainer container;
    ASSERT_TRUE(container.launch());
    ASSERT_TRUE(container.init().signal(number));
    siginfo_t info{};
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(container.init().pidfd()), &info, WEXITED | WNOWAIT);
    EXPECT_EQ(info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status, code);
    // Finished, but not yet waited for: still no error, as for any zombie.
    EXPECT_TRUE(container.init().signal(0));
  }
}

TEST(Init, tells_when_it_is_started_twice_or_gone) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  ASSERT_TRUE(container.launch());
  container.finish();
  const auto again = container.init().start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "the container was already started");
  const auto signalled = container.init().signal(SIGTERM);
  ASSERT_FALSE(signalled);
  EXPECT_EQ(signalled.error().message, "process already finished");
  EXPECT_EQ(signalled.error().kind, ErrorKind::not_found);
}

TEST(Init, pause_ends_with_0_and_reaps) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["root"]["readonly"] = true;
  const auto launched = container.launch(InitKind::pause);
  ASSERT_TRUE(launched) << launched.error().message;
  ASSERT_TRUE(container.init().start());
  ASSERT_TRUE(container.init().signal(SIGTERM));
  siginfo_t info{};
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(container.init().pidfd()), &info, WEXITED | WNOWAIT);
  EXPECT_EQ(info.si_code, CLD_EXITED);
  EXPECT_EQ(info.si_status, 0);
}

TEST(Init, hooks_get_the_state_of_a_real_process) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  const std::string out = container.directory / "state";
  container.spec["hooks"]["createRuntime"] = {
      {{"path", "/bin/sh"}, {"args", {"sh", "-c", "cat > " + out + "; readlink /proc/$PPID/ns/net > " + out + ".net"}}}};
  const auto launched = container.launch();
  ASSERT_TRUE(launched) << launched.error().message;
  const Json state = Json::parse(container.directory.read("state"));
  EXPECT_EQ(state["id"], "probe");
  EXPECT_EQ(state["status"], "creating");
  EXPECT_EQ(state["pid"], container.init().pid());
  EXPECT_EQ(state["bundle"], container.directory.path());
  EXPECT_EQ(container.directory.read("state.net"), link("/proc/self/ns/net") + "\n");
}

TEST(Init, guest_memory_leaves_headroom_below_the_limit) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.memory_limit = std::move(*SharedLimit::create(guest_memory(64 << 20)));
  container.run_probe({"memory"});
  const auto launched = container.launch();
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().message, "memory " + std::to_string(60 << 20));
}

}  // namespace
}  // namespace wherry::sandbox
