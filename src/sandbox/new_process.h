// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/init.h"
#include "sandbox/label.h"
#include "sandbox/spawn.h"

namespace wherry::sandbox {

// A process of this program that is being set up, and the socket on which it talks.
struct NewProcess {
  Spawned process;
  UniqueFd control;
};

// What such a process is called, whichever program it is: for ps, and to tell its
// command line from one that a user types.
constexpr const char* kProcessName = "containerd-shim-wherry-v1";

struct NewProcessConfig {
  std::string verb;           // `init` or `exec`
  std::string id;
  const std::vector<std::string>* args = nullptr;  // the program's: what ps will show
  const int* stdio = nullptr;  // three, -1: /dev/null
  const Cgroup* cgroup = nullptr;
  int message = -1;
  int artifact = -1;
  int memory_limit = -1;
  int init = -1;              // for an exec: pidfd of the container's init
  int start_socket = -1;
  int stats = -1;
  int report = -1;
  uint64_t namespaces = 0;    // CLONE_NEW*
  std::string pid_namespace;  // "" or the path of one to be born in
};

// A queue of work for the one thread that is the parent of every process.
struct Launcher::State {
  UniqueFd exe;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> work;
  bool stop = false;
  std::thread thread;

  void run();
  // On the launcher's thread; returns when it is done.
  void call(const std::function<void()>& function);
  Result<NewProcess> start(const NewProcessConfig& config);
};

// Reaps a process that ends by itself; the first kills it before.
void discard(const Spawned& process);
void reap(const Spawned& process);

// The process has forked the one that is to stay, and ends: that one takes its place
// and goes on, with the file by which it sets its label if it shall have one,
// `at_exec` as for open_label_file(). With an error neither is left.
Result<void> follow_fork(NewProcess& made, const std::optional<Label>& label, bool at_exec);

// Why a process that ended the conversation is no more.
Error gone_silent(const Spawned& process);
// The error that a packet `e` carries.
Error said_error(const Spawned& process, const std::string& text);

}  // namespace wherry::sandbox
