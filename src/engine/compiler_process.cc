// SPDX-License-Identifier: Apache-2.0
#include "engine/compiler_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <optional>

#include "abi/build_id.h"
#include "engine/compiler_cgroup.h"

namespace wherry::engine {
namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return os_error(errno, "pipe to the compiler");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<std::string> compiler_path(const CacheConfig& config) {
  if (!config.compiler_path.empty()) return config.compiler_path;
  char self[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self);
  if (length <= 0) return os_error(errno, "/proc/self/exe");
  const std::string_view path(self, static_cast<size_t>(length));
  return std::string(path.substr(0, path.rfind('/') + 1)) + "wherryc";
}

// A running compiler, killed and waited for at the latest here.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void kill_group() const { kill(-pid_, SIGKILL); }
  // The wait status; nothing if somebody else in this process took it.
  std::optional<int> wait() {
    int status = 0;
    const pid_t pid = std::exchange(pid_, -1);
    while (waitpid(pid, &status, 0) < 0) {
      if (errno != EINTR) return std::nullopt;
    }
    return status;
  }

 private:
  pid_t pid_;
};

Result<pid_t> spawn(const std::string& path, int request, int module, int artifact, int reply) {
  // Copies above the numbers that the child gets, so that no dup2 there hits one
  // that is still needed.
  UniqueFd copies[4];
  const int sources[] = {request, module, artifact, reply};
  const int targets[] = {STDIN_FILENO, abi::kModuleFd, abi::kArtifactFd, abi::kReplyFd};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (int i = 0; i < 4; ++i) {
    copies[i].reset(fcntl(sources[i], F_DUPFD_CLOEXEC, abi::kReplyFd + 1));
    posix_spawn_file_actions_adddup2(&actions, copies[i].get(), targets[i]);
  }
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, abi::kReplyFd + 1);

  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  char* const arguments[] = {const_cast<char*>("wherryc"), const_cast<char*>(abi::kCompilerMode), nullptr};
  char* const environment[] = {nullptr};
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, path.c_str(), &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed) return error(ErrorKind::unavailable, "the compiler " + path + " can not be run: " + strerror(failed));
  return pid;
}

// The soft limit sends a signal that tells why, the hard one kills.
void limit(pid_t pid, int resource, uint64_t value) {
  const rlimit both{value, resource == RLIMIT_CPU ? value + 1 : value};
  prlimit(pid, static_cast<__rlimit_resource>(resource), &both, nullptr);
}

void set_limits(pid_t pid, const CompilerLimits& limits) {
  if (limits.memory) limit(pid, RLIMIT_AS, limits.memory);
  limit(pid, RLIMIT_CPU, static_cast<uint64_t>(limits.cpu.count()));
  limit(pid, RLIMIT_FSIZE, limits.artifact_size);
  limit(pid, RLIMIT_CORE, 0);
}

// What the compiler says: progress that is told, then the reply.
class Answer {
 public:
  explicit Answer(const TellProgress& tell) : tell_(tell) {}

  // Until the reply's end, the pipe's end or the deadline. False: time is up.
  bool read(int fd, std::chrono::milliseconds time);
  bool complete() const { return size_ == sizeof reply_ && reply_.magic == abi::CompileReply::kMagic; }
  abi::CompileReply& reply() { return reply_; }

 private:
  void take_progress();

  const TellProgress& tell_;
  abi::CompileReply reply_;
  size_t size_ = 0;  // bytes of it, or of progress, that are there
};

bool Answer::read(int fd, std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{fd, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left.count(), INT_MAX)));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    const ssize_t count = ::read(fd, reinterpret_cast<uint8_t*>(&reply_) + size_, sizeof reply_ - size_);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    size_ += static_cast<size_t>(count);
    take_progress();
    if (size_ == sizeof reply_) return true;
  }
}

void Answer::take_progress() {
  abi::CompileProgress progress;
  auto* const start = reinterpret_cast<uint8_t*>(&reply_);
  while (size_ >= sizeof progress) {
    memcpy(&progress, start, sizeof progress);
    if (progress.magic != abi::CompileProgress::kMagic) return;
    size_ -= sizeof progress;
    memmove(start, start + sizeof progress, size_);
    if (tell_) tell_(std::min(progress.done, progress.total), progress.total);
  }
}

Error death(std::optional<int> status) {
  if (!status) return error(ErrorKind::unavailable, "the compiler died");
  if (!WIFSIGNALED(*status)) {
    return error(ErrorKind::unavailable, "the compiler ended with " + std::to_string(WEXITSTATUS(*status)) +
                                             " and no answer");
  }
  const int signal = WTERMSIG(*status);
  if (signal == SIGXCPU) return error(ErrorKind::exhausted, "compiling it takes more processor time than allowed");
  if (signal == SIGXFSZ) return error(ErrorKind::exhausted, "its artifact is larger than allowed");
  return error(ErrorKind::unavailable, "the compiler was killed by signal " + std::to_string(signal));
}

}  // namespace

Result<abi::CompileReply> run_compiler(const CacheConfig& config, const abi::CompileRequest& request, int module_fd,
                                       int artifact_fd, const TellProgress& tell) {
  Pipe to_child = TRY(make_pipe()), from_child = TRY(make_pipe());
  // Nobody reads a broken pipe's signal here: the request fits into the pipe
  // before the child could have closed it.
  static_assert(sizeof(abi::CompileRequest) <= 4096);
  const std::string path = TRY(compiler_path(config));
  CompilerCgroup cgroup;  // goes after the child
  Child child(TRY(spawn(path, to_child.read.get(), module_fd, artifact_fd, from_child.write.get())));
  from_child.write.reset();

  // The child does nothing before it has the request, so these come in time.
  set_limits(child.pid(), config.limits);
  cgroup.join(config.compiler_cgroup, child.pid(), config.limits.memory);
  TRY(write_all(to_child.write.get(), std::as_bytes(std::span(&request, 1)), "the compiler's request"));
  to_child.read.reset();
  to_child.write.reset();

  Answer answer(tell);
  if (!answer.read(from_child.read.get(), config.limits.wall)) {
    return error(ErrorKind::exhausted, "compiling it takes longer than " +
                                           std::to_string(config.limits.wall.count()) + " ms");
  }
  if (answer.complete()) child.kill_group();  // has said all
  const std::optional<int> status = child.wait();
  if (!answer.complete()) return death(status);
  abi::CompileReply& reply = answer.reply();
  reply.message[sizeof reply.message - 1] = '\0';
  if (reply.build != abi::build_id()) {
    return error(ErrorKind::failed_precondition, "the compiler " + path + " is of another build than this program");
  }
  if (reply.failed) {
    const uint32_t kind = std::min(reply.failed - 1, static_cast<uint32_t>(ErrorKind::io));
    return error(static_cast<ErrorKind>(kind), reply.message, reply.offset);
  }
  return reply;
}

}  // namespace wherry::engine
