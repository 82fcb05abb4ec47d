// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "node/finding.h"
#include "node/target.h"

namespace wherry::node {

struct InstallOptions {
  NodeOptions node;
  std::string restart_command;  // "": the distribution's service
  bool restart = true;
  bool trial = true;   // run a test container before and after
  bool retry = true;   // install what was rolled back before
  bool force = false;  // uninstall: although pods run
  std::chrono::milliseconds limit = std::chrono::seconds(120);  // for containerd to come back
};

// Told of each step while it is done.
using Progress = std::function<void(const std::string&)>;

// What `install` would do: the binaries that it would copy, and the edit as a unified diff.
struct Plan {
  std::vector<std::string> binaries;
  std::string file;
  std::string diff;  // "": nothing to edit
};
Result<Plan> plan_installation(const UniqueFd& source, const InstallOptions& options);

// Puts the binaries in place, runs a test container with them, edits the configuration, restarts containerd if
// that changed, and runs the test container again. If containerd does not come back, or another handler is gone, the
// configuration is put back as it was, and containerd restarted with it. Each call does what is still to be done:
// after a kill at any moment, and if there is nothing, nothing.
Result<void> install(const UniqueFd& source, const InstallOptions& options, const Progress& progress);

// Undoes what the journal says. The file is as it was before, byte by byte, if nobody else has edited it; otherwise
// our block alone goes. Fails while shims of ours run, unless forced.
Result<void> uninstall(const InstallOptions& options, const Progress& progress);

// Each thing that must hold for a pod to start here.
std::vector<Finding> installation_status(const UniqueFd& source, const InstallOptions& options);

}  // namespace wherry::node
