// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace wherry::node {

// A containerd of this machine.
struct Daemon {
  std::string program;  // "": there is none
  std::string path;     // its PATH, where it looks for shims
  std::string config;   // its configuration file
  bool running = false;
};

// The daemon that runs, of several the first; else the program on our PATH or
// where distributions put it.
Daemon find_daemon();

// The process that listens on a socket of this machine; 0 if it is out of our sight.
Result<pid_t> listener_of(const std::string& address);
// The daemon that listens there, or find_daemon()'s program, which does not run then.
Daemon find_daemon_at(const std::string& address);

}  // namespace wherry::node
