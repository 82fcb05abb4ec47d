// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/cgroup_stats.h"
#include "sandbox/spec.h"
#include "shim/task/stdio.h"

namespace wherry::shim {

// A process of a container as the system has it: a child of this shim, made by a
// Backend, that waits to be started. The service waits for pidfd() and reaps it
// with waitid(P_PIDFD), nobody else does. Safe to use from any thread.
class Child {
 public:
  virtual ~Child() = default;  // kills what was never started

  virtual int pid() const = 0;
  virtual int pidfd() const = 0;
  // Lets it run. Called once; may block.
  virtual Result<void> start() = 0;
  // not_found "process already finished" once it is dead.
  virtual Result<void> signal(int number) = 0;
  // The master of its terminal, once; none if it was made without one.
  virtual UniqueFd take_console() { return UniqueFd(); }
};

// An exec: `process` is `process_json` parsed. With process.terminal the backend
// makes a terminal, for init as for an exec, and `stdio` has no descriptors.
struct ExecConfig {
  std::string id;
  const sandbox::Process* process = nullptr;
  std::string_view process_json;
  const Stdio* stdio = nullptr;
};

// How the processes of one container are run and what holds them. Everything may
// block, is called without the service's lock, and at once from several threads.
class Backend {
 public:
  virtual ~Backend() = default;

  // Makes the container's init process, and what it needs, once.
  virtual Result<std::unique_ptr<Child>> create_init(const Stdio& stdio) = 0;
  // Makes another process in the container. Its failure is that of Start(exec) and
  // leaves nothing: "exec: "foo": executable file not found in $PATH".
  virtual Result<std::unique_ptr<Child>> create_exec(const ExecConfig& config) = 0;

  virtual Result<void> pause() = 0;
  virtual Result<void> resume() = 0;
  // linux.resources: changes what it names. `json` is what it was parsed from.
  virtual Result<void> update(const sandbox::Resources& resources, std::string_view json) = 0;
  virtual Result<std::vector<int>> pids() const = 0;
  virtual Result<sandbox::CgroupStats> stats() const = 0;
  // How many processes the kernel has killed for memory so far.
  virtual uint64_t oom_kills() const = 0;
  // For the log: where an operator finds it.
  virtual std::string cgroup() const = 0;

  // Whether it runs the specification's poststart and poststop hooks itself.
  virtual bool runs_hooks() const { return false; }

  // SIGKILL to every process, also if paused.
  virtual Result<void> kill_all() = 0;
  // Kills what still runs and takes away all but the root file system.
  virtual Result<void> dismantle() = 0;
};

}  // namespace wherry::shim
