// SPDX-License-Identifier: Apache-2.0
#include "sandbox/new_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "sandbox/launch_message.h"
#include "sandbox/pidfd.h"
#include "sandbox/sealed_exe.h"

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

// What a process says that joined other namespaces, or fails to.
Result<Spawned> hear_of_fork(const NewProcess& made) {
  UniqueFd pidfd;
  const std::string packet = TRY(hear(made.control.get(), &pidfd));
  if (packet.empty()) return gone_silent(made.process);
  if (packet[0] == static_cast<char>(Say::error)) return said_error(made.process, packet.substr(1));
  Spawned forked{.pid = -1, .pidfd = std::move(pidfd)};
  std::from_chars(packet.data() + 1, packet.data() + packet.size(), forked.pid);
  if (packet[0] != static_cast<char>(Say::forked) || forked.pid <= 0 || !forked.pidfd) {
    return error(ErrorKind::malformed, "the container's process said something unknown");
  }
  return forked;
}

// What a title needs beyond the words before it is asked for as one more.
std::string room_for(const std::vector<std::string>& args) {
  constexpr size_t kMostTitle = 4096;
  size_t size = 0;
  for (const std::string& arg : args) size += arg.size() + 1;
  return std::string(std::min(size, kMostTitle), ' ');
}

Result<void> let_go_on(const NewProcess& made, const std::optional<Label>& label, bool at_exec) {
  UniqueFd file;
  // The process can not: its /proc is the container's, and none of the host's shall
  // ever be open where the container could get at it.
  if (label) file = TRY(open_label_file(std::to_string(made.process.pid), label->module, at_exec));
  if (say(made.control.get(), Say::go, "", file.get())) return {};
  return gone_silent(made.process);
}

Result<Spawned> spawn_in(const std::string& pid_namespace, const SpawnConfig& config) {
  std::unique_ptr<PidNamespace> joined;
  if (!pid_namespace.empty()) joined = TRY(PidNamespace::enter(pid_namespace));
  return spawn(config);
}

}  // namespace

void Launcher::State::run() {
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

void Launcher::State::call(const std::function<void()>& function) {
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

Result<NewProcess> Launcher::State::start(const NewProcessConfig& config) {
  ControlSockets control = TRY(control_sockets());
  std::vector<UniqueFd> fds;
  for (int i = 0; i < 3; ++i) fds.push_back(TRY(config.stdio[i] >= 0 ? safe_copy(config.stdio[i]) : open_null()));
  fds.push_back(std::move(control.theirs));
  fds.push_back(TRY(safe_copy(config.message)));
  // Their numbers are fixed, so one that is missing leaves something in its place.
  for (const int fd : {config.artifact, config.memory_limit, config.init, config.start_socket, config.stats, config.report}) fds.push_back(TRY(fd >= 0 ? safe_copy(fd) : open_null()));
  Cgroup::Placement placement;
  if (config.cgroup) placement = TRY(config.cgroup->placement());

  std::string name = kProcessName, verb = config.verb, id = config.id, room = room_for(*config.args);
  char* const argv[] = {name.data(), verb.data(), id.data(), room.data(), nullptr};
  SpawnConfig spawn_config{.exe = exe.get(),
                           .argv = argv,
                           .fds = {},
                           .namespaces = config.namespaces,
                           .cgroup = placement.unified.get(),
                           .tasks = {}};
  for (const UniqueFd& fd : fds) spawn_config.fds.push_back(fd.get());
  for (const UniqueFd& fd : placement.tasks) spawn_config.tasks.push_back(fd.get());

  Result<Spawned> spawned = error(ErrorKind::io, "");
  call([&] { spawned = spawn_in(config.pid_namespace, spawn_config); });
  if (!spawned) return std::move(spawned).error();
  return NewProcess{std::move(*spawned), std::move(control.ours)};
}

void reap(const Spawned& process) {
  siginfo_t info;
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(process.pidfd.get()), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
}

void discard(const Spawned& process) {
  signal_pidfd(process.pidfd.get(), SIGKILL);
  reap(process);
}

Result<void> follow_fork(NewProcess& made, const std::optional<Label>& label, bool at_exec) {
  auto forked = hear_of_fork(made);
  if (!forked) {
    discard(made.process);
    return std::move(forked).error();
  }
  reap(made.process);
  made.process = std::move(*forked);
  // Its parent is this process now.
  auto going = let_go_on(made, label, at_exec);
  if (!going) discard(made.process);
  return going;
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

Error said_error(const Spawned& process, const std::string& text) {
  if (text.empty()) return gone_silent(process);
  return error_from_text(text);
}

Result<std::unique_ptr<Launcher>> Launcher::create() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return os_error(errno, "PR_SET_CHILD_SUBREAPER");
  auto state = std::make_unique<State>();
  const UniqueFd exe = TRY(open_sealed_exe());
  state->exe = TRY(safe_copy(exe.get()));
  return std::unique_ptr<Launcher>(new Launcher(std::move(state)));
}

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

}  // namespace wherry::sandbox
