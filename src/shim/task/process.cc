// SPDX-License-Identifier: Apache-2.0
#include "shim/task/process.h"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

namespace wherry::shim {
namespace {

constexpr std::chrono::seconds kDrainTime{10};

}  // namespace

void attach_terminal(Process& process, EventLoop& loop) {
  if (!process.stdio_config.terminal) return;
  process.terminal = Terminal::create(loop, process.child->take_console(), process.stdio->take_end(0), process.stdio->take_end(1));
}

void drain(Process& process) {
  // One that was never started has nothing to say, and nobody ends its terminal.
  if (process.terminal && process.was_started) process.terminal->drain(kDrainTime);
  if (process.stdio) process.stdio->drain();
}

bool has_unread_output(const Process& process) {
  if (process.stdio->unread()) return true;
  // Of a terminal the last may be still on its way to the stream.
  return process.stdio->is_streamed() && process.terminal && !process.terminal->drain(std::chrono::milliseconds(0));
}

void kill_and_reap(Child& child) {
  (void)child.signal(SIGKILL);
  siginfo_t info;
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child.pidfd()), &info, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace wherry::shim
