// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wherry::cli {

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

}  // namespace wherry::cli
