// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/store.h"

namespace wherry::wasi {

// Interrupts a store when a signal arrives or the time is over, from a thread of
// its own, and goes on knocking until the guest has stopped: a system call that
// blocks just then may have missed the first knock. Lives while the guest runs;
// created and destroyed by the guest's thread, in which the signals are blocked.
class Watcher {
 public:
  static constexpr uint32_t kTimeout = 1000;  // the reason of an interruption, above all signals

  struct Config {
    bool signals = false;
    std::chrono::nanoseconds timeout{0};
  };
  static Result<std::unique_ptr<Watcher>> create(runtime::Store& store, const Config& config);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  explicit Watcher(runtime::Store& store) : store_(store), guest_(pthread_self()) {}

  Result<void> open(const Config& config);
  Result<void> start_thread();
  void watch();

  runtime::Store& store_;
  const pthread_t guest_;
  sigset_t old_mask_;
  UniqueFd signals_;
  UniqueFd timer_;
  UniqueFd stop_;
  bool running_ = false;
  pthread_t thread_;
};

// SIGPIPE ignored for a while: a closed pipe is an error of the write, which ends
// the guest and not this process.
class PipeSignalIgnored {
 public:
  PipeSignalIgnored();
  ~PipeSignalIgnored();
  PipeSignalIgnored(const PipeSignalIgnored&) = delete;
  PipeSignalIgnored& operator=(const PipeSignalIgnored&) = delete;

 private:
  struct sigaction old_;
};

}  // namespace wherry::wasi
