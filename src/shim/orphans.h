// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "shim/ttrpc/event_loop.h"

namespace wherry::shim {

// Reaps children that nobody here knows: the shim is a subreaper, so processes come
// to it whose parents in a container without a pid namespace of its own have ended.
// Those that somebody waits for are reaped by him at once, so a child that has been
// a zombie for longer than any of that takes is nobody's. Costs nothing while no
// child ends. For the loop's thread; SIGCHLD must be blocked in every thread.
class Orphans {
 public:
  static Result<std::unique_ptr<Orphans>> create(EventLoop& loop, std::chrono::milliseconds pause = std::chrono::seconds(90));
  ~Orphans();
  Orphans(const Orphans&) = delete;
  Orphans& operator=(const Orphans&) = delete;

 private:
  using Zombies = std::map<int, uint64_t>;  // pid, start time

  Orphans(EventLoop& loop, std::chrono::milliseconds pause, UniqueFd signals) : loop_(loop), pause_(pause), signals_(std::move(signals)) {}
  void child_ended();
  void plan();
  void sweep();
  static Zombies zombies();

  EventLoop& loop_;
  const std::chrono::milliseconds pause_;
  const UniqueFd signals_;
  Zombies seen_;
  EventLoop::TimerId timer_;
  bool planned_ = false;
};

}  // namespace wherry::shim
