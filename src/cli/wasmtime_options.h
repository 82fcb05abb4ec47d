// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/listen.h"
#include "cli/options.h"

namespace wherry::cli {

struct RunOptions {
  std::vector<std::string> dirs;
  std::vector<std::string> env;
  std::vector<ListenAddress> listeners;
  std::vector<std::string> allow_connect;
  std::vector<std::string> allow_listen;
  std::string invoke;
  std::string cache;
  std::optional<Size> max_memory;
  std::optional<Size> max_stack;
  std::optional<std::chrono::nanoseconds> timeout;
  bool explicit_bounds_checks = false;
  bool inherit_env = false;
};

Result<void> add_listener(RunOptions& options, std::string_view address);

// wasmtime's -W and -S: "K=V", several of them separated by commas.
Result<void> set_wasm_option(RunOptions& options, std::string_view text);
Result<void> set_host_option(RunOptions& options, std::string_view text);

}  // namespace wherry::cli
