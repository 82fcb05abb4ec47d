// SPDX-License-Identifier: Apache-2.0
#include "shim/orphans.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/fd.h"
#include "base/process_stat.h"

namespace wherry::shim {
namespace {

constexpr size_t kMaxList = 1 << 20;

}  // namespace

Result<std::unique_ptr<Orphans>> Orphans::create(EventLoop& loop, std::chrono::milliseconds pause) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return os_error(errno, "signalfd");
  std::unique_ptr<Orphans> orphans(new Orphans(loop, pause, std::move(fd)));
  TRY(loop.watch(orphans->signals_.get(), EPOLLIN, [self = orphans.get()](uint32_t) { self->child_ended(); }));
  return orphans;
}

Orphans::~Orphans() {
  loop_.forget(signals_.get());
  if (planned_) loop_.cancel(timer_);
}

void Orphans::child_ended() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
  }
  plan();
}

void Orphans::plan() {
  if (std::exchange(planned_, true)) return;
  timer_ = loop_.after(pause_, [this] {
    planned_ = false;
    sweep();
  });
}

void Orphans::sweep() {
  Zombies now = zombies();
  for (auto zombie = now.begin(); zombie != now.end();) {
    const auto before = seen_.find(zombie->first);
    if (before == seen_.end() || before->second != zombie->second) {
      ++zombie;
      continue;
    }
    ::waitpid(zombie->first, nullptr, WNOHANG);
    zombie = now.erase(zombie);
  }
  seen_ = std::move(now);
  if (!seen_.empty()) plan();
}

Orphans::Zombies Orphans::zombies() {
  Zombies found;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    const auto children = read_file(thread.path().string() + "/children", kMaxList);
    if (!children) continue;
    const char* const end = children->data() + children->size();
    pid_t pid = 0;
    for (const char* at = children->data(); at < end; at++) {  // one blank behind each
      const auto [behind, problem] = std::from_chars(at, end, pid);
      if (problem != std::errc()) break;
      at = behind;
      const auto stat = process_stat(pid);
      if (stat && stat->state == 'Z') found[pid] = stat->start_time;
    }
  }
  return found;
}

}  // namespace wherry::shim
