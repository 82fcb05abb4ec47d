// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shim/proto/types.pb.h"
#include "shim/task/backend.h"
#include "shim/task/stdio.h"
#include "shim/task/terminal.h"
#include "shim/ttrpc/server.h"

namespace wherry::shim {

enum class State : uint8_t {
  creating,  // only a container's init
  created,
  starting,  // a Start is under way; an exit that comes now is told after it
  running,
  paused,  // only a container's init
  stopped,
};

// What containerd knows as a process: the init of a container or an exec in it.
// Guarded by the service's mutex, but for what `child`, `stdio` and `terminal` point
// to: they are set once, live as long as the object, and are safe to use from any thread.
struct Process {
  explicit Process(std::string id_) : id(std::move(id_)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (terminal) terminal->close();
    for (Call& waiter : waiters) waiter.refuse(Status::not_found, "the process was deleted");
  }

  // 0 before there is a child.
  uint32_t pid() const { return child ? static_cast<uint32_t>(child->pid()) : 0; }

  const std::string id;  // the exec's; "" for init
  // What an exec shall run; of an init that is in the container's specification.
  std::string spec_json;
  sandbox::Process spec;
  StdioConfig stdio_config;
  std::unique_ptr<Stdio> stdio;
  std::unique_ptr<Child> child;
  std::shared_ptr<Terminal> terminal;  // the loop is the other owner

  State state = State::creating;
  bool was_started = false;
  bool ended_while_starting = false;
  bool stdin_closed = false;  // by a CloseIO that came before there was a stdio
  bool deleting = false;
  uint32_t exit_status = 0;
  pb::Timestamp exited_at;
  std::vector<Call> waiters;
};

// Gives a process with a terminal its copier.
void attach_terminal(Process& process, EventLoop& loop);

// The process is dead: waits, for a while, until the client has what it wrote.
void drain(Process& process);
// The same without waiting. Loop thread.
bool has_unread_output(const Process& process);

// Is, or is about to be, a process that the end of init leaves behind.
inline bool is_alive(const Process& exec) { return exec.state == State::starting || exec.state == State::running; }

// The two fields in which every message tells of an exit.
template <class Message>
void fill_exit(const Process& process, Message& message) {
  message.set_exit_status(process.exit_status);
  *message.mutable_exited_at() = process.exited_at;
}

// Ends a child that no loop watches.
void kill_and_reap(Child& child);

}  // namespace wherry::shim
