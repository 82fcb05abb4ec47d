// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/json_text.h"
#include "sandbox/test_container.h"

#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <cstdio>

namespace wherry::sandbox {

bool temporary_files_map_ids() {
  const TemporaryDirectory directory;
  struct statfs info {};
  utsname kernel{};
  int major = 0, minor = 0;
  if (::statfs(directory.path().c_str(), &info) != 0 || ::uname(&kernel) != 0 || std::sscanf(kernel.release, "%d.%d", &major, &minor) != 2) return true;
  if (info.f_type == RAMFS_MAGIC) return false;
  return info.f_type != TMPFS_MAGIC || std::pair(major, minor) >= std::pair(6, 3);
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = std::filesystem::temp_directory_path().string() + "/wherry-sandbox.XXXXXX";
  path_ = ::mkdtemp(name.data());
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemporaryDirectory::write(const std::string& name, const std::string& text) const {
  std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
  std::ofstream(path_ + "/" + name) << text;
}

std::string TemporaryDirectory::read(const std::string& name) const {
  std::ifstream file(path_ + "/" + name);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TestContainer::TestContainer() {
  std::filesystem::create_directories(directory / "rootfs");
  directory.write("rootfs/etc/motd", "hello");
  spec = nlohmann::json::parse(R"({
    "ociVersion": "1.0.2",
    "process": {"user": {"uid": 0, "gid": 0}, "args": ["exit", "0"], "env": ["A=b"], "cwd": "/"},
    "root": {"path": "rootfs"},
    "hostname": "probe",
    "mounts": [
      {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
      {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]}
    ],
    "linux": {"namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]}
  })");
  auto launcher = Launcher::create();
  EXPECT_TRUE(launcher);
  if (launcher) launcher_ = std::move(*launcher);
}

TestContainer::~TestContainer() {
  if (init_ && !reaped_) {
    (void)init_->signal(SIGKILL);
    siginfo_t info;
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(init_->pidfd()), &info, WEXITED);
  }
}

Result<void> TestContainer::launch(InitKind kind) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return os_error(errno, "pipe");
  output_.reset(pipe[0]);
  const UniqueFd writer(pipe[1]);
  const std::string json = json_text(spec);
  const Spec parsed = TRY(parse_spec(json));
  LaunchConfig config;
  config.id = "probe";
  config.bundle = directory.path();
  config.rootfs = directory / "rootfs";
  config.spec = &parsed;
  config.spec_json = json;
  config.kind = kind;
  config.cgroup = cgroup;
  config.stdio[1] = config.stdio[2] = writer.get();
  config.artifact = artifact;
  config.invoke = invoke;
  if (memory_limit) config.memory_limit = memory_limit->fd();
  reaped_ = false;
  init_ = TRY(launcher_->launch(config));
  return {};
}

namespace {

std::string read_some(int fd, size_t bytes) {
  std::string buffer(bytes, '\0');
  const ssize_t n = ::read(fd, buffer.data(), bytes);
  buffer.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return buffer;
}

Outcome outcome_of(const LaunchedProcess& process, int output) {
  Outcome outcome;
  for (std::string more; !(more = read_some(output, 4096)).empty();) outcome.output += more;
  siginfo_t info{};
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.pidfd()), &info, WEXITED);
  outcome.code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return outcome;
}

}  // namespace

Outcome TestContainer::finish() {
  EXPECT_TRUE(init_->start());
  return wait();
}

Outcome TestContainer::wait() {
  reaped_ = true;
  return outcome_of(*init_, output_.get());
}

std::string TestContainer::read_output(size_t bytes) { return read_some(output_.get(), bytes); }

Result<std::unique_ptr<TestContainer::Exec>> TestContainer::exec(const std::vector<std::string>& args, const nlohmann::json& process) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return os_error(errno, "pipe");
  auto made = std::make_unique<Exec>();
  made->output_.reset(pipe[0]);
  const UniqueFd writer(pipe[1]);
  nlohmann::json own = spec["process"];
  own.merge_patch(process);
  own["args"] = args;
  const std::string json = json_text(spec), process_json = json_text(own);
  const Spec parsed = TRY(parse_spec(json));
  ExecLaunchConfig config;
  config.id = "exec";
  config.spec = &parsed;
  config.spec_json = json;
  config.process_json = process_json;
  config.init = init_->pidfd();
  config.cgroup = cgroup;
  config.stdio[1] = config.stdio[2] = writer.get();
  config.native_program = native_program;
  made->process_ = TRY(launcher_->launch_exec(config));
  return made;
}

TestContainer::Exec::~Exec() {
  if (!process_ || reaped_) return;
  (void)process_->signal(SIGKILL);
  siginfo_t info;
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process_->pidfd()), &info, WEXITED);
}

Outcome TestContainer::Exec::finish() {
  EXPECT_TRUE(process_->start());
  reaped_ = true;
  return outcome_of(*process_, output_.get());
}

Outcome TestContainer::run() {
  const auto launched = launch();
  EXPECT_TRUE(launched) << launched.error().message;
  return launched ? finish() : Outcome{};
}

std::string TestContainer::proc(const std::string& file) const {
  return "/proc/" + std::to_string(init_->pid()) + "/" + file;
}

std::string TestContainer::status(const std::string& key) const {
  std::ifstream file(proc("status"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return "";
}

}  // namespace wherry::sandbox
