// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"

namespace wherry::shim {

struct ServerConfig {
  std::string id;  // of the group
  std::string ns;
  std::string ttrpc_address;
  std::string containerd_address;
  std::string socket_path;
  std::string log_fifo;
  std::string shim_cgroup;
  std::string cache_directory;  // of artifacts; "": the node's
  std::string search_path;      // containerd's PATH
  std::string node_file;        // of settings; "": the usual one
  bool debug = false;
  pid_t containerd = 0;
};

// The long-lived shim of a pod. Takes over this process, which has no threads:
// lets go of everything it inherited, serves until Shutdown or a signal, and
// leaves no socket behind. Returns the exit code.
int serve(ServerConfig config, UniqueFd listener);

}  // namespace wherry::shim
