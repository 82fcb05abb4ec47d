// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init/pause.h"

#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>

#include <initializer_list>

namespace wherry::sandbox {

int run_pause() {
  ::malloc_trim(0);
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&signals, number);
  for (;;) {
    // Blocked signals are queued even for process 1 of a pid namespace, for which
    // the default action is to ignore them.
    const int number = ::sigwaitinfo(&signals, nullptr);
    if (number == SIGTERM || number == SIGINT) return 0;
    while (number == SIGCHLD && ::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

}  // namespace wherry::sandbox
