// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
extern "C" {  // glibc 2.36 forgot it
}
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "sandbox/hooks.h"
#include "sandbox/init.h"
#include "sandbox/launch_message.h"
#include "sandbox/namespace_flags.h"
#include "sandbox/pidfd.h"
#include "sandbox/sealed_exe.h"
#include "sandbox/spawn.h"

namespace wherry::sandbox {
namespace {

// Descriptors for a child are moved above the numbers that they become there.
constexpr int kFirstSafeFd = 16;

Result<UniqueFd> safe_copy(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstSafeFd));
  if (!copy) return os_error(errno, "cannot pass a descriptor to the container");
  return copy;
}

Result<UniqueFd> open_null() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return os_error(errno, "/dev/null");
  return safe_copy(null.get());
}

// What the spec asks for and this library can not do.
Result<void> check_supported(const Spec& spec) {
  if (spec.linux_.find(NamespaceType::user) || !spec.linux_.uidMappings.empty()) {
    return error(ErrorKind::unsupported, "user namespaces are not supported yet");
  }
  if (spec.linux_.find(NamespaceType::time)) return error(ErrorKind::unsupported, "time namespaces are not supported");
  if (!spec.linux_.find(NamespaceType::mount)) {
    return error(ErrorKind::unsupported, "a container without a mount namespace is not supported");
  }
  if (!spec.linux_.find(NamespaceType::mount)->path.empty()) {
    return error(ErrorKind::unsupported, "joining a mount namespace is not supported");
  }
  if (spec.process.terminal) return error(ErrorKind::unsupported, "process.terminal is not supported yet");
  if (!spec.hooks.startContainer.empty()) {
    return error(ErrorKind::unsupported, "startContainer hooks run a program of the image, which a Wasm container can not");
  }
  return {};
}

// Joins a pid namespace for the children of this thread, and goes back.
class PidNamespace {
 public:
  static Result<std::unique_ptr<PidNamespace>> enter(const std::string& path) {
    std::unique_ptr<PidNamespace> self(new PidNamespace);
    self->own_.reset(::open("/proc/thread-self/ns/pid", O_RDONLY | O_CLOEXEC));
    if (!self->own_) return os_error(errno, "/proc/thread-self/ns/pid");
    const UniqueFd other(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!other) return os_error(errno, "pid namespace " + path);
    if (::setns(other.get(), CLONE_NEWPID) != 0) {
      const int code = errno;
      self->own_.reset();
      return os_error(code, "cannot join pid namespace " + path);
    }
    return self;
  }
  ~PidNamespace() {
    if (own_) CHECK(::setns(own_.get(), CLONE_NEWPID) == 0, "cannot return to the own pid namespace");
  }

 private:
  UniqueFd own_;
};

}  // namespace

// A queue of work for the one thread that is the parent of every init.
struct Launcher::State {
  UniqueFd exe;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> work;
  bool stop = false;
  std::thread thread;

  void run() {
    ::prctl(PR_SET_NAME, "launcher");
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return stop || !work.empty(); });
      if (work.empty()) return;
      const std::function<void()> next = std::move(work.front());
      work.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
  }

  // On the launcher's thread; returns when it is done.
  void call(const std::function<void()>& function) {
    bool done = false;
    std::condition_variable finished;
    std::unique_lock lock(mutex);
    work.emplace_back([&] {
      function();
      const std::lock_guard inner(mutex);
      done = true;
      finished.notify_one();
    });
    changed.notify_one();
    finished.wait(lock, [&] { return done; });
  }
};

Launcher::Launcher(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Launcher::~Launcher() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
}

Result<std::unique_ptr<Launcher>> Launcher::create() {
  auto state = std::make_unique<State>();
  const UniqueFd exe = TRY(open_sealed_exe());
  state->exe = TRY(safe_copy(exe.get()));
  return std::unique_ptr<Launcher>(new Launcher(std::move(state)));
}

namespace {

struct ControlSockets {
  UniqueFd ours, theirs;
};

Result<ControlSockets> control_sockets() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return os_error(errno, "socketpair");
  ControlSockets sockets{UniqueFd(pair[0]), UniqueFd(pair[1])};
  sockets.theirs = TRY(safe_copy(sockets.theirs.get()));
  return sockets;
}

// Kills and reaps a process that will not become a container.
void discard(const Spawned& process) {
  signal_pidfd(process.pidfd.get(), SIGKILL);
  siginfo_t info;
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.pidfd.get()), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
}

Error gone_silent(const Spawned& process) {
  siginfo_t info{};
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.pidfd.get()), &info, WEXITED | WNOWAIT);
  const bool killed = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
  return error(ErrorKind::unavailable, std::string("the container's process ") +
                                           (killed ? "was killed by signal " : "exited with code ") +
                                           std::to_string(info.si_status) + " while it was set up" +
                                           (killed && info.si_status == SIGKILL ? " (out of memory?)" : ""));
}

// The conversation up to "ready"; its text are the warnings.
Result<std::string> converse(int control, const LaunchConfig& config, const Spawned& process) {
  for (;;) {
    const std::string packet = TRY(hear(control));
    if (packet.empty()) return gone_silent(process);
    const std::string text = packet.substr(1);
    switch (static_cast<Say>(packet[0])) {
      case Say::ready:
        return text;
      case Say::error:
        if (text.empty()) return gone_silent(process);
        return error(static_cast<ErrorKind>(text[0] - 'A'), text.substr(1));
      case Say::namespaces: {
        const HookState state{
            .id = config.id, .status = "creating", .pid = process.pid, .bundle = config.bundle, .spec = config.spec};
        TRY(run_hooks("prestart", config.spec->hooks.prestart, state));
        TRY(run_hooks("createRuntime", config.spec->hooks.createRuntime, state));
        if (!say(control, Say::go)) return gone_silent(process);
        break;
      }
      default:
        return error(ErrorKind::malformed, "the container's process said something unknown");
    }
  }
}

}  // namespace

Result<std::unique_ptr<Init>> Launcher::launch(const LaunchConfig& config) {
  const Spec& spec = *config.spec;
  TRY(check_supported(spec));
  const bool has_hooks = !spec.hooks.prestart.empty() || !spec.hooks.createRuntime.empty();

  ControlSockets control = TRY(control_sockets());
  std::vector<UniqueFd> fds;
  for (const int fd : config.stdio) fds.push_back(TRY(fd >= 0 ? safe_copy(fd) : open_null()));
  fds.push_back(std::move(control.theirs));
  const UniqueFd message = TRY(write_launch_message(config, has_hooks));
  fds.push_back(TRY(safe_copy(message.get())));
  if (config.artifact >= 0) fds.push_back(TRY(safe_copy(config.artifact)));

  Cgroup::Placement placement;
  if (config.cgroup) placement = TRY(config.cgroup->placement());

  std::string name = "containerd-shim-wherry-v1", verb = "init", id = config.id;
  char* const argv[] = {name.data(), verb.data(), id.data(), nullptr};
  SpawnConfig spawn_config{.exe = state_->exe.get(),
                           .argv = argv,
                           .fds = {},
                           .namespaces = clone_flags(spec.linux_),
                           .cgroup = placement.unified.get(),
                           .tasks = {}};
  for (const UniqueFd& fd : fds) spawn_config.fds.push_back(fd.get());
  for (const UniqueFd& fd : placement.tasks) spawn_config.tasks.push_back(fd.get());

  Result<Spawned> spawned = error(ErrorKind::io, "");
  state_->call([&] {
    const Namespace* pid = spec.linux_.find(NamespaceType::pid);
    std::unique_ptr<PidNamespace> joined;
    if (pid && !pid->path.empty()) {
      auto entered = PidNamespace::enter(pid->path);
      if (!entered) {
        spawned = std::move(entered).error();
        return;
      }
      joined = std::move(*entered);
    }
    spawned = spawn(spawn_config);
  });
  if (!spawned) return std::move(spawned).error();
  fds.clear();  // so that the end of the process is the end of the conversation

  auto ready = converse(control.ours.get(), config, *spawned);
  if (!ready) {
    discard(*spawned);
    return std::move(ready).error();
  }
  std::unique_ptr<Init> init(new Init);
  init->pid_ = spawned->pid;
  init->pidfd_ = std::move(spawned->pidfd);
  init->control_ = std::move(control.ours);
  init->warnings_ = std::move(*ready);
  return init;
}

Init::~Init() {
  if (control_) (void)signal(SIGKILL);
}

Result<void> Init::start() {
  if (!control_) return error(ErrorKind::failed_precondition, "the container was already started");
  const UniqueFd control = std::move(control_);
  if (say(control.get(), Say::start)) return {};
  return error(ErrorKind::failed_precondition, "cannot start a container whose process has finished");
}

Result<void> Init::signal(int number) const {
  if (signal_pidfd(pidfd_.get(), number) == 0) return {};
  if (errno == ESRCH) return error(ErrorKind::not_found, "process already finished");
  return os_error(errno, "cannot signal the container's process");
}

}  // namespace wherry::sandbox
