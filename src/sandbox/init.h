// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/cgroup.h"
#include "sandbox/spawn.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

enum class InitKind : uint8_t {
  wasm,   // runs the artifact
  pause,  // holds the pod's namespaces: reaps, and exits 0 on SIGTERM or SIGINT
  exec,   // runs the artifact in a container that another process is the init of
  native, // the same for a native program of the container
};

// What a container's operator settled for its guests; the same for all of its
// processes, and nothing for other programs.
struct GuestTerms {
  std::string settings;  // config::Settings::to_message(); "": no restriction
  int stats = -1;        // of a GuestStats, or -1
  int report = -1;       // a datagram socket, to hear what the guest is denied, or -1
};

// Everything is borrowed for the length of the call of launch(), but nothing of
// it is needed afterwards; in particular the caller closes its descriptors.
struct LaunchConfig {
  std::string id;
  std::string bundle;
  std::string rootfs;          // absolute, mounted
  const Spec* spec = nullptr;
  std::string_view spec_json;  // the text `spec` was parsed from: the init reads it again
  InitKind kind = InitKind::wasm;
  const Cgroup* cgroup = nullptr;  // nullptr: stays in this process's
  int stdio[3] = {-1, -1, -1};     // -1: /dev/null
  int artifact = -1;               // InitKind::wasm
  bool is_toolbox = false;         // it is of Wherry's own toolbox
  std::string invoke;              // exported function, "" for _start
  int memory_limit = -1;               // of a SharedLimit; -1: none
  GuestTerms guest{};
  int oom_score_adj = 0;               // if process.oomScoreAdj is absent
  // A bound datagram socket on which somebody else says Say::start, or -1. Then the
  // process outlives the one that launched it, from the moment it is ready.
  int start_socket = -1;
};

// Another process in a container whose init was launched before; borrowed likewise.
struct ExecLaunchConfig {
  std::string id;              // of the exec
  const Spec* spec = nullptr;  // the container's, with what `spec_json` says
  std::string_view spec_json;
  std::string_view process_json;  // the exec's own `process`
  int init = -1;                  // pidfd of the container's init
  const Cgroup* cgroup = nullptr;
  int stdio[3] = {-1, -1, -1};
  int artifact = -1;
  std::string invoke;
  std::string native_program;  // its path in the container; then there is no artifact
  int memory_limit = -1;
  GuestTerms guest{};
  bool is_toolbox = false;  // the artifact is of Wherry's own toolbox
  bool outlives = false;  // this process, once it was started
};

// A process of a container seen from the process that launched it: namespaces,
// cgroup, mounts, limits and credentials are in place, the guest is loaded, seccomp
// is on, and it waits for start(). It dies with the Launcher's process (PDEATHSIG).
// Destruction kills it if it was not started. The owner reaps: wait on pidfd(),
// then waitid(P_PIDFD).
class LaunchedProcess {
 public:
  enum class Start : uint8_t { sent, confirmed };  // whether the process says how it went
  LaunchedProcess(Spawned process, UniqueFd control, UniqueFd console, std::string warnings, Start start = Start::sent);
  ~LaunchedProcess();
  LaunchedProcess(const LaunchedProcess&) = delete;
  LaunchedProcess& operator=(const LaunchedProcess&) = delete;

  int pid() const { return pid_; }  // in this process's pid namespace
  int pidfd() const { return pidfd_.get(); }
  // Lines that an operator should see, e.g. a refused oom_score_adj; may be "".
  const std::string& warnings() const { return warnings_; }
  // The master of its terminal, once; none if it has no terminal.
  UniqueFd take_console() { return std::move(console_); }

  // Lets the guest run. failed_precondition the second time or if it is gone. A
  // native program, or a guest with a label, runs when this returns, or could not.
  Result<void> start();
  // not_found "process already finished" once it is dead.
  Result<void> signal(int number) const;
  // Leaves it to the owner of its start_socket.
  void detach() { control_.reset(); }

 private:
  const int pid_;
  const UniqueFd pidfd_;
  UniqueFd control_;  // closed by start()
  UniqueFd console_;
  const std::string warnings_;
  const Start start_;
};

// Starts the processes of containers. It owns one thread that does every clone, because
// PR_SET_PDEATHSIG fires when the *thread* that made a process ends, and because
// that thread joins other pid namespaces on the way. The new process never runs
// more than a dozen system calls of this program before it executes it afresh:
// CLONE_VM and CLONE_VFORK, so nothing is copied, and no lock of another thread
// is ever needed. Safe to use from any thread; keep it as long as its processes
// shall live. It makes this process a subreaper: an exec is forked by a process
// that ends at once, and must become a child of this one.
class Launcher {
 public:
  // Opens this program for re-execution through a private, detached, read-only
  // mount, so that no container can write to it through /proc/PID/exe
  // (CVE-2019-5736) and nothing has to be copied; a sealed copy in memory where
  // the kernel lacks that (before 5.12).
  static Result<std::unique_ptr<Launcher>> create();
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Returns when the process is ready, or has said why it can not be (and is
  // gone and reaped). Runs the hooks createRuntime and prestart in between.
  Result<std::unique_ptr<LaunchedProcess>> launch(const LaunchConfig& config);
  // The same for an exec.
  Result<std::unique_ptr<LaunchedProcess>> launch_exec(const ExecLaunchConfig& config);

 private:
  struct State;
  explicit Launcher(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

// The new process's main: called by a program's main when its arguments are
// `init ID` or `exec ID` and room for its title, and only by it. Returns the exit code.
int init_main(int argc, char** argv);
// Whether they are.
bool is_init(int argc, char** argv);

}  // namespace wherry::sandbox
