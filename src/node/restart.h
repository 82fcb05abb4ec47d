// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "node/daemon.h"
#include "node/distribution.h"

namespace wherry::node {

// The command that makes containerd read its configuration; empty if `file`, which we edit, is watched.
// Fails if nothing here is known to run it: asked before anything is changed.
Result<std::vector<std::string>> restart_command(const Distribution& distribution, const std::string& file,
                                                 const std::string& given);

// The client of a containerd.
struct Client {
  std::vector<std::string> words;  // "/usr/bin/ctr"; empty: there is none on this machine
  std::string address;

  std::vector<std::string> command(const std::vector<std::string>& arguments) const;
};
// The distribution's, else the ctr beside the daemon's program.
Client find_client(const Distribution& distribution, const Daemon& daemon, const std::string& address);

// Runs the command, and waits until another process than `old` listens and answers, with the Kubernetes
// plug-in in order. `old` 0: whoever answers.
Result<void> restart(const std::vector<std::string>& command, const Client& client, pid_t old,
                     std::chrono::milliseconds limit);

// Why the plug-in of Kubernetes is not in order, or "".
std::string broken_plugin(const Client& client);

}  // namespace wherry::node
