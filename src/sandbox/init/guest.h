// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/settings.h"
#include "sandbox/guest_stats.h"

namespace wherry::sandbox {

struct GuestConfig {
  UniqueFd artifact;
  UniqueFd root;  // the container's /, for the guest's preopen
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string invoke;
  std::string directory;    // process.cwd
  bool is_toolbox = false;  // Wherry's own
  const std::atomic<uint64_t>* max_memory = nullptr;  // may change; none: as much as there is
  config::Settings settings;
  GuestStatsPage* stats = nullptr;
  bool is_init = false;  // of the container: its memory is what the page shows
  UniqueFd report;  // where denials are told, if anywhere
  std::function<void(std::string_view line)> warn;  // tells the operator; while it is loaded
};

// What runs in a container. load_guest() is the real one; tests bring their own.
class Guest {
 public:
  virtual ~Guest() = default;
  // To its end, with nothing but what the system call filter leaves. Returns the
  // exit code.
  virtual int run() = 0;
};

using GuestLoader = Result<std::unique_ptr<Guest>> (*)(GuestConfig);

// Maps the artifact and instantiates it with every host interface.
Result<std::unique_ptr<Guest>> load_guest(GuestConfig config);

// init_main() with another guest.
int run_init(GuestLoader load, int argc, char** argv);

}  // namespace wherry::sandbox
