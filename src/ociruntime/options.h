// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace wherry::ociruntime {

// What may stand before the command; the names are runc's, which everybody copies.
struct GlobalOptions {
  std::string root = "/run/wherry";
  std::string log;
  std::string log_format = "text";
  bool debug = false;
  bool systemd_cgroup = false;
  bool version = false;
  std::string ignored;
};

// What may follow it, of all commands: each takes some of them.
struct CommandOptions {
  std::string bundle;
  std::string pid_file;
  std::string console_socket;
  std::string preserve_fds;
  std::string format = "table";
  std::string interval = "5s";
  std::string process;
  std::string resources;
  std::string cwd;
  std::string user;
  std::vector<std::string> env;
  std::vector<std::string> additional_gids, cap;
  std::string apparmor, process_label, cgroup;
  std::string memory, memory_swap, memory_reservation;
  std::string cpu_period, cpu_quota, cpu_share, cpuset_cpus, cpuset_mems, pids_limit;
  bool detach = false;
  bool keep = false;
  bool terminal = false;
  bool all = false;
  bool force = false;
  bool quiet = false;
  bool stats = false;
  bool no_new_privs = false;
  bool ignore_paused = false;
  bool ignored = false;
  std::string ignored_text;
};

// Descriptors beside the standard streams, which no process of ours gets.
Result<void> check_preserved(const CommandOptions& options);

}  // namespace wherry::ociruntime
