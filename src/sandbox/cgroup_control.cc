// SPDX-License-Identifier: Apache-2.0
// Freezing, killing, watching and removing a cgroup.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "sandbox/cgroup.h"
#include "sandbox/cgroup_files.h"

namespace wherry::sandbox {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};

// Waits until a key of cgroup.events has a value; the kernel signals changes of
// the file by POLLPRI.
Result<bool> wait_for_event(const std::string& directory, std::string_view key, uint64_t value, Clock::time_point until) {
  const std::string path = directory + "/cgroup.events";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return os_error(errno, path);
  for (;;) {
    char text[256];
    const ssize_t n = ::pread(fd.get(), text, sizeof text, 0);
    if (n < 0) return os_error(errno, path);
    const std::string wanted = std::string(key) + " " + std::to_string(value);
    for (const std::string_view line : split_words(std::string_view(text, static_cast<size_t>(n)), "\n")) {
      if (line == wanted) return true;
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd poll{fd.get(), POLLPRI, 0};
    ::poll(&poll, 1, static_cast<int>(left));
  }
}

// Version 1 has no notification: its freezer may need several looks to take a
// process that is just forking.
Result<void> freeze_v1(const std::string& directory, const char* state) {
  const std::string file = directory + "/freezer.state";
  const auto until = Clock::now() + kPatience;
  for (milliseconds pause{1};; pause = std::min(pause * 2, milliseconds{50})) {
    TRY(write_control(file, state));
    if (TRY(read_control(file)) == state) return {};
    if (Clock::now() > until) return error(ErrorKind::unavailable, file + ": did not become " + state);
    std::this_thread::sleep_for(pause);
  }
}

Result<void> freeze_v2(const std::string& directory, bool frozen) {
  TRY(write_control(directory + "/cgroup.freeze", frozen ? "1" : "0"));
  if (TRY(wait_for_event(directory, "frozen", frozen, Clock::now() + kPatience))) return {};
  return error(ErrorKind::unavailable, directory + ": did not " + (frozen ? "freeze" : "thaw"));
}

// 0, or the errno of the first directory that could not be removed.
int remove_tree(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return 0;
  const int failure = errno;
  if (failure != EBUSY && failure != ENOTEMPTY) return failure;
  for (const std::string& name : subdirectories(directory)) {
    if (const int inner = remove_tree(directory + "/" + name)) return inner;
  }
  return ::rmdir(directory.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

Result<void> Cgroup::freeze() {
  if (host_.version == CgroupVersion::v2) return freeze_v2(unified_, true);
  const std::string freezer = directory("freezer");
  if (freezer.empty()) return error(ErrorKind::unavailable, "this machine has no `freezer` cgroup controller");
  auto frozen = freeze_v1(freezer, "FROZEN");
  if (!frozen) (void)write_control(freezer + "/freezer.state", "THAWED");
  return frozen;
}

Result<void> Cgroup::thaw() {
  if (host_.version == CgroupVersion::v2) return freeze_v2(unified_, false);
  const std::string freezer = directory("freezer");
  if (freezer.empty()) return error(ErrorKind::unavailable, "this machine has no `freezer` cgroup controller");
  return freeze_v1(freezer, "THAWED");
}

bool Cgroup::is_frozen() const {
  const bool unified = host_.version == CgroupVersion::v2;
  const auto state = read_control(unified ? unified_ + "/cgroup.freeze" : directory("freezer") + "/freezer.state");
  return state && *state == (unified ? "1" : "FROZEN");
}

Result<void> Cgroup::kill_all() {
  // One write kills them all at once; before 5.14 a few rounds catch what forks.
  const bool at_once = !unified_.empty() && write_control(unified_ + "/cgroup.kill", "1");
  constexpr int kRounds = 8;
  for (int round = 0; !at_once && round < kRounds; ++round) {
    const std::vector<int> all = TRY(pids());
    if (all.empty()) break;
    for (const int pid : all) {
      if (pid > 0) ::kill(pid, SIGKILL);
    }
  }
  // Version 1 does not wake a frozen process for a signal.
  const std::string freezer = host_.version == CgroupVersion::v2 ? "" : directory("freezer");
  if (!freezer.empty()) (void)write_control(freezer + "/freezer.state", "THAWED");
  return {};
}

Result<UniqueFd> Cgroup::watch_oom() const {
  const std::string memory = directory("memory");
  if (memory.empty()) return error(ErrorKind::unavailable, "this machine has no `memory` cgroup controller");
  if (host_.version == CgroupVersion::v2) {
    UniqueFd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch) return os_error(errno, "inotify");
    const std::string events = memory + "/memory.events";
    if (::inotify_add_watch(watch.get(), events.c_str(), IN_MODIFY) < 0) return os_error(errno, events);
    return watch;
  }
  const std::string control = memory + "/memory.oom_control";
  const UniqueFd source(::open(control.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return os_error(errno, control);
  UniqueFd watch(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!watch) return os_error(errno, "eventfd");
  TRY(write_control(memory + "/cgroup.event_control",
                    std::to_string(watch.get()) + " " + std::to_string(source.get())));
  return watch;
}

uint64_t Cgroup::oom_kills() const {
  const std::string memory = directory("memory");
  if (memory.empty()) return 0;
  const char* file = host_.version == CgroupVersion::v2 ? "/memory.events" : "/memory.oom_control";
  return value_of(read_keyed(memory + file), "oom_kill");
}

Result<void> Cgroup::remove() {
  const auto until = Clock::now() + kPatience;
  bool waited = unified_.empty();
  for (milliseconds pause{1};;) {
    int failure = 0;
    for (const Directory& directory : v1_) {
      if (directory.path.empty()) continue;
      if (const int code = remove_tree(directory.path)) failure = code;
    }
    if (failure == 0 && !unified_.empty()) failure = remove_tree(unified_);
    if (failure == 0) return {};
    if (failure != EBUSY && failure != ENOTEMPTY) return os_error(failure, "cannot remove cgroup " + path_);
    if (Clock::now() > until) return error(ErrorKind::unavailable, "cgroup " + path_ + " is still in use");
    if (!waited && wait_for_event(unified_, "populated", 0, until)) {
      waited = true;
    } else {
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, milliseconds{50});
    }
  }
}

}  // namespace wherry::sandbox
