// SPDX-License-Identifier: Apache-2.0
// Further processes in a container, and what could be done to them on their way in.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

using Json = nlohmann::json;

std::string proc(int pid, const std::string& file) { return "/proc/" + std::to_string(pid) + "/" + file; }
std::string link(const std::string& path) { return std::filesystem::read_symlink(path).string(); }

std::string status(int pid, const std::string& key) {
  std::ifstream file(proc(pid, "status"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return "";
}

// A container whose init stays.
class Exec : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNLESS_ROOT();
    container.spec["linux"]["namespaces"].push_back({{"type", "cgroup"}});
    container.spec["mounts"].push_back({{"destination", "/scratch"}, {"type", "tmpfs"}, {"source", "tmpfs"}});
    container.run_probe({"write", "/scratch/of-init", "hold"});
    const auto launched = container.launch();
    ASSERT_TRUE(launched) << launched.error().message;
  }

  std::string failure(const std::vector<std::string>& args, const Json& process) {
    const auto exec = container.exec(args, process);
    return exec ? "no failure" : exec.error().message;
  }

  TestContainer container;
};

TEST_F(Exec, runs_with_the_containers_files_and_gives_its_exit_code) {
  ASSERT_TRUE(container.init().start());
  EXPECT_EQ(container.read_output(64), "/scratch/of-init ok\n");
  const auto exec = container.exec({"cat", "/etc/motd", "ls", "/scratch", "exit", "42"});
  ASSERT_TRUE(exec) << exec.error().message;
  const Outcome outcome = (*exec)->finish();
  EXPECT_EQ(outcome.code, 42);
  EXPECT_TRUE(outcome.output.starts_with("/etc/motd ok\nhello\n/scratch ok\n")) << outcome.output;
  EXPECT_NE(outcome.output.find("  of-init\n"), std::string::npos) << outcome.output;
}

TEST_F(Exec, is_in_every_namespace_of_the_container) {
  const auto exec = container.exec({"hold"});
  ASSERT_TRUE(exec) << exec.error().message;
  const int pid = (*exec)->process().pid();
  for (const char* name : {"pid", "net", "ipc", "uts", "mnt", "cgroup"}) {
    const std::string file = std::string("ns/") + name;
    EXPECT_EQ(link(proc(pid, file)), link(container.proc(file))) << name;
  }
  struct stat own, init;
  ASSERT_EQ(::stat(proc(pid, "root").c_str(), &own), 0);
  ASSERT_EQ(::stat(container.proc("root").c_str(), &init), 0);
  EXPECT_EQ(std::pair(own.st_dev, own.st_ino), std::pair(init.st_dev, init.st_ino));
}

// CVE-2016-9962: numbers in a pid namespace are given out in order, so that 2 says
// that nothing of ours was in there before, with privileges or the host's files.
TEST_F(Exec, is_the_first_of_its_kind_that_the_container_can_see) {
  const auto exec = container.exec({"hold"}, {{"user", {{"uid", 1000}}}});
  ASSERT_TRUE(exec) << exec.error().message;
  const int pid = (*exec)->process().pid();
  const std::string numbers = status(pid, "NSpid");
  EXPECT_EQ(numbers.substr(numbers.rfind('\t') + 1), "2");
  EXPECT_EQ(status(pid, "PPid"), std::to_string(::getpid()));
  // What is not dumpable belongs to root, and only who may trace it sees into it.
  struct stat info;
  ASSERT_EQ(::stat(proc(pid, "fd").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0u);
}

// CVE-2024-21626.
TEST_F(Exec, has_no_descriptor_and_no_directory_of_the_hosts) {
  const UniqueFd leaky(::open("/etc", O_RDONLY | O_DIRECTORY));  // not close-on-exec
  const auto exec = container.exec({"hold"});
  ASSERT_TRUE(exec) << exec.error().message;
  const int pid = (*exec)->process().pid();
  for (const auto& entry : std::filesystem::directory_iterator(proc(pid, "fd"))) {
    const std::string target = link(entry.path());
    const std::string number = entry.path().filename();
    const bool standard = number == "0" || number == "1" || number == "2";
    const bool ours = target.starts_with("socket:") || target == "anon_inode:[signalfd]" || target == "/";
    EXPECT_TRUE(standard || ours) << number << " is " << target;
  }
  EXPECT_EQ(link(proc(pid, "cwd")), "/");
  EXPECT_EQ(std::filesystem::file_size(proc(pid, "environ")), 0u);
}

TEST_F(Exec, goes_into_no_directory_by_a_magic_link) {
  // Not even in the container's procfs yet.
  EXPECT_EQ(failure({"pwd"}, {{"cwd", "/proc/self/fd/0"}}), "cwd /proc/self/fd/0: No such file or directory");
  EXPECT_EQ(failure({"pwd"}, {{"cwd", "/proc/1/cwd"}}), "cwd /proc/1/cwd: Too many levels of symbolic links");
  std::filesystem::create_symlink("/../../../../etc", container.directory / "rootfs/out");
  const auto exec = container.exec({"pwd", "ls", "."}, {{"cwd", "/out"}});
  ASSERT_TRUE(exec) << exec.error().message;
  const Outcome outcome = (*exec)->finish();
  EXPECT_TRUE(outcome.output.starts_with("/etc\n")) << outcome.output;
  EXPECT_EQ(outcome.output.find("passwd"), std::string::npos) << outcome.output;
}

TEST_F(Exec, needs_a_directory_that_exists) {
  EXPECT_EQ(failure({"pwd"}, {{"cwd", "/none"}}), "cwd /none: No such file or directory");
  EXPECT_FALSE(std::filesystem::exists(container.directory / "rootfs/none"));
}

TEST_F(Exec, is_as_confined_as_an_init) {
  const Json all = {"CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_NET_BIND_SERVICE"};
  const auto exec = container.exec({"system-calls"}, {{"capabilities", {{"bounding", all}, {"effective", all}, {"permitted", all}}},
                                                      {"rlimits", {{{"type", "RLIMIT_NOFILE"}, {"soft", 100}, {"hard", 200}}}},
                                                      {"user", {{"gid", 7}, {"umask", 7}, {"additionalGids", {8}}}}});
  ASSERT_TRUE(exec) << exec.error().message;
  const int pid = (*exec)->process().pid();
  EXPECT_EQ(status(pid, "CapEff"), "0000000000000401");
  EXPECT_EQ(status(pid, "CapBnd"), "0000000000000401");
  EXPECT_EQ(status(pid, "NoNewPrivs"), "1");
  EXPECT_EQ(status(pid, "Seccomp"), "2");
  EXPECT_EQ(status(pid, "Seccomp_filters"), "1");
  EXPECT_EQ(status(pid, "Gid"), "7\t7\t7\t7");
  EXPECT_EQ(status(pid, "Groups"), "8 ");
  EXPECT_EQ(status(pid, "Umask"), "0007");
  const Outcome outcome = (*exec)->finish();
  EXPECT_TRUE(outcome.output.starts_with("mount EPERM\numount EPERM\nptrace EPERM\nexecve EPERM\n")) << outcome.output;
}

// What an image has at the place of a terminal is not opened for one.
TEST(Console, is_of_a_devpts_and_of_nothing_else) {
  SKIP_UNLESS_ROOT();
  TestContainer container;
  container.spec["mounts"].erase(1);  // /dev
  container.spec["process"]["terminal"] = true;
  container.directory.write("rootfs/dev/pts/ptmx", "not one");
  const auto file = container.launch();
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message, "terminal: /dev/pts/ptmx is something else");
  std::filesystem::remove(container.directory / "rootfs/dev/pts/ptmx");
  std::filesystem::create_symlink("/proc/self/fd/4", container.directory / "rootfs/dev/pts/ptmx");
  const auto link = container.launch();
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().kind, ErrorKind::invalid);
}

TEST_F(Exec, is_ended_by_signals_of_its_own) {
  for (const auto& [number, code] : {std::pair{SIGTERM, 143}, {SIGKILL, 137}}) {
    const auto exec = container.exec({"hold"});
    ASSERT_TRUE(exec) << exec.error().message;
    ASSERT_TRUE((*exec)->process().signal(number));
    siginfo_t info{};
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>((*exec)->process().pidfd()), &info, WEXITED | WNOWAIT);
    EXPECT_EQ(info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status, code);
    EXPECT_TRUE(container.init().signal(0));
  }
}

TEST_F(Exec, dies_with_the_containers_init) {
  const auto exec = container.exec({"hold"});
  ASSERT_TRUE(exec) << exec.error().message;
  ASSERT_TRUE(container.init().signal(SIGKILL));
  siginfo_t info{};
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>((*exec)->process().pidfd()), &info, WEXITED | WNOWAIT);
  EXPECT_EQ(info.si_status, SIGKILL);
}

TEST_F(Exec, of_a_dead_container_is_refused) {
  ASSERT_TRUE(container.init().signal(SIGKILL));
  (void)container.wait();
  const auto exec = container.exec({"hold"});
  ASSERT_FALSE(exec);
  EXPECT_EQ(exec.error().kind, ErrorKind::failed_precondition);
  EXPECT_EQ(exec.error().message, "the container's init has finished");
}

TEST_F(Exec, errors_come_back_and_leave_no_process) {
  EXPECT_EQ(failure({"fail-to-load"}, Json::object()), "cannot load the guest");
  (void)container.init().signal(SIGKILL);
  (void)container.wait();
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// Native programs: the machine's static busybox in the container.
class NativeExec : public Exec {
 protected:
  void SetUp() override {
    constexpr const char* kBusybox = "/bin/busybox";
    if (!std::filesystem::exists(kBusybox)) GTEST_SKIP() << "needs busybox-static";
    Exec::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::filesystem::create_directories(container.directory / "rootfs/bin");
    std::filesystem::copy_file(kBusybox, container.directory / "rootfs/bin/busybox");
    container.native_program = "/bin/busybox";
    shell = {"busybox", "sh", "-c"};
  }

  std::vector<std::string> run(const std::string& script) {
    std::vector<std::string> args = shell;
    args.push_back(script);
    return args;
  }

  std::vector<std::string> shell;
};

TEST_F(NativeExec, becomes_the_program_and_gives_its_exit_code) {
  const auto exec = container.exec(run("cat /etc/motd; echo $HOME; exit 42"));
  ASSERT_TRUE(exec) << exec.error().message;
  const Outcome outcome = (*exec)->finish();
  EXPECT_EQ(outcome.code, 42);
  EXPECT_EQ(outcome.output, "hello/\n");
}

// CVE-2016-9962, CVE-2024-21626: while it waits it can be seen, and has no more than the program will have.
TEST_F(NativeExec, has_given_up_all_when_the_container_can_see_it) {
  const UniqueFd leaky(::open("/etc", O_RDONLY | O_DIRECTORY));  // not close-on-exec
  const auto exec = container.exec(run("sleep 100"), {{"user", {{"uid", 1000}}}, {"capabilities", Json::object()}});
  ASSERT_TRUE(exec) << exec.error().message;
  const int pid = (*exec)->process().pid();
  const std::string numbers = status(pid, "NSpid");
  EXPECT_EQ(numbers.substr(numbers.rfind('\t') + 1), "2");
  for (const char* set : {"CapEff", "CapPrm", "CapBnd", "CapAmb"}) EXPECT_EQ(status(pid, set), "0000000000000000") << set;
  struct stat info;
  ASSERT_EQ(::stat(proc(pid, "fd").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0u) << "it can be traced";
  EXPECT_EQ(link(proc(pid, "cwd")), "/");
  EXPECT_NE(link(proc(pid, "exe")), "/bin/busybox");

  ASSERT_TRUE((*exec)->process().start());
  EXPECT_EQ(link(proc(pid, "exe")), "/bin/busybox") << "start() returns when it runs";
  for (const auto& entry : std::filesystem::directory_iterator(proc(pid, "fd"))) EXPECT_LT(std::stoi(entry.path().filename()), 3) << link(entry.path());
}

TEST_F(NativeExec, has_what_the_specification_grants) {
  const Json granted = {"CAP_CHOWN", "CAP_SYS_PTRACE"};
  const auto exec = container.exec(run("grep -E '^(Cap(Eff|Bnd)|NoNewPrivs|Seccomp):' /proc/self/status; ulimit -v"),
                                   {{"capabilities", {{"bounding", granted}, {"effective", granted}, {"permitted", granted}}},
                                    {"noNewPrivileges", true}, {"rlimits", {{{"type", "RLIMIT_AS"}, {"soft", 1 << 30}, {"hard", 1 << 30}}}}});
  ASSERT_TRUE(exec) << exec.error().message;
  EXPECT_EQ((*exec)->finish().output, "CapEff:\t0000000000080001\nCapBnd:\t0000000000080001\nNoNewPrivs:\t1\nSeccomp:\t0\n1048576\n");
}

TEST_F(NativeExec, says_why_the_program_can_not_be_executed) {
  container.directory.write("rootfs/bin/text", "no program\n");
  std::filesystem::permissions(container.directory / "rootfs/bin/text", std::filesystem::perms::all);
  container.directory.write("rootfs/bin/locked", "#!/bin/busybox sh\n");
  const std::pair<const char*, const char*> cases[] = {{"/bin/text", "exec: \"x\": exec format error"}, {"/bin/locked", "exec: \"x\": permission denied"},
                                                       {"/bin/none", "exec: \"x\": no such file or directory"}};
  for (const auto& [path, words] : cases) {
    container.native_program = path;
    const auto exec = container.exec({"x"});
    ASSERT_TRUE(exec) << exec.error().message;
    const auto started = (*exec)->process().start();
    ASSERT_FALSE(started) << path;
    EXPECT_EQ(started.error().message, words);
  }
}

TEST_F(NativeExec, refuses_a_filter_that_it_does_not_understand) {
  const std::pair<Json, const char*> cases[] = {
      {{{"defaultAction", "SCMP_ACT_MAYBE"}}, "linux.seccomp: `SCMP_ACT_MAYBE` is not supported"},
      {{{"defaultAction", "SCMP_ACT_ALLOW"}, {"listenerPath", "/run/x"}}, "linux.seccomp: a listener is not supported"},
      {{{"defaultAction", "SCMP_ACT_ALLOW"}, {"architectures", {"SCMP_ARCH_VAX"}}}, "linux.seccomp: `SCMP_ARCH_VAX` is not supported"},
      {{{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", {{{"names", {"kill"}}, {"action", "SCMP_ACT_NOTIFY"}}}}}, "linux.seccomp: `SCMP_ACT_NOTIFY` is not supported"},
  };
  for (const auto& [filter, words] : cases) {
    container.spec["linux"]["seccomp"] = filter;
    EXPECT_EQ(failure(run("true"), {{"noNewPrivileges", false}}), words);
    const auto late = container.exec(run("true"), {{"noNewPrivileges", true}});
    ASSERT_TRUE(late) << late.error().message;
    EXPECT_EQ((*late)->process().start().error().message, words);
  }
}

}  // namespace
}  // namespace wherry::sandbox
