// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/systemd/scope.h"

namespace wherry::sandbox {

Result<std::unique_ptr<Placeholder>> Placeholder::create() {
  const int parent = ::getpid();
  const int pid = ::fork();
  if (pid < 0) return os_error(errno, "cannot make a process for the scope");
  if (pid == 0) {
    // Only calls that need no lock: other threads' locks are copied as they were.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close_range(0, ~0U, 0);
    if (::getppid() != parent) ::_exit(0);
    for (;;) ::pause();
  }
  return std::unique_ptr<Placeholder>(new Placeholder(pid));
}

Placeholder::~Placeholder() {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace wherry::sandbox
