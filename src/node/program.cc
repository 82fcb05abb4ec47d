// SPDX-License-Identifier: Apache-2.0
#include "node/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.h"

namespace wherry::node {
namespace {

using Clock = std::chrono::steady_clock;

Result<pid_t> spawn(const std::vector<std::string>& command, int input, int output, Stderr errors) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (input >= 0) {
    ::posix_spawn_file_actions_adddup2(&actions, input, 0);
  } else {
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  }
  ::posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (errors == Stderr::with_stdout) {
    ::posix_spawn_file_actions_adddup2(&actions, output, 2);
  } else if (errors == Stderr::discarded) {
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  }
  // A watcher blocks signals, which a daemon that is restarted must not inherit.
  sigset_t none;
  ::sigemptyset(&none);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int status = ::posix_spawn(&pid, words[0], &actions, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (status != 0) return os_error(status, command[0]);
  return pid;
}

// Adds what there is to read now; false at the end of the stream.
Result<bool> read_some(int fd, std::string& content, const std::string& name) {
  constexpr size_t kLimit = 4 << 20;
  std::array<char, 1 << 14> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0) return os_error(errno, name);
    if (n == 0) return false;
    content.append(buffer.data(), static_cast<size_t>(n));
    if (content.size() > kLimit) return error(ErrorKind::exhausted, name + ": it does not stop printing");
  }
}

// Until the process has ended: a daemon that it started may keep the stream open.
Result<std::string> read_until_exit(int fd, int process, Clock::time_point deadline, const std::string& name) {
  std::string content;
  bool open = true;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 2> wait{{{process, POLLIN, 0}, {open ? fd : -1, POLLIN, 0}}};
    if (left <= 0) return error(ErrorKind::unavailable, name + ": no answer in time");
    if (::poll(wait.data(), wait.size(), static_cast<int>(left)) < 0 && errno != EINTR) return os_error(errno, name);
    if (open) open = TRY(read_some(fd, content, name));
    if (wait[0].revents != 0) break;
  }
  if (open) TRY(read_some(fd, content, name));
  return content;
}

}  // namespace

Result<Ended> run_program(const std::vector<std::string>& command, std::chrono::milliseconds limit, Stderr errors,
                          int input) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_error(errno, "pipe");
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  if (::fcntl(out.get(), F_SETFL, O_NONBLOCK) != 0) return os_error(errno, "pipe");
  const pid_t pid = TRY(spawn(command, input, in.get(), errors));
  in.reset();
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Result<std::string> content = process
                                    ? read_until_exit(out.get(), process.get(), Clock::now() + limit, command[0])
                                    : Result<std::string>(os_error(errno, "pidfd_open"));
  if (!content) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!content) return content.error();
  return Ended{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), std::move(*content)};
}

Result<std::string> output_of(const std::vector<std::string>& command, std::chrono::milliseconds limit) {
  Ended ended = TRY(run_program(command, limit, Stderr::discarded));
  if (ended.code != 0) return error(ErrorKind::failed_precondition, command[0] + ": it failed");
  return std::move(ended.output);
}

std::string find_on_path(std::string_view name, std::string_view path) {
  while (!path.empty()) {
    const std::string_view directory = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), directory.size() + 1));
    const std::string file = std::string(directory) + "/" + std::string(name);
    struct stat info;
    if (!directory.empty() && ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(file.c_str(), X_OK) == 0)
      return file;
  }
  return "";
}

}  // namespace wherry::node
