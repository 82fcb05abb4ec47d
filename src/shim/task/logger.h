// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::shim {

// A program that reads a container's output, started for it alone: a log URI
// `binary:///path?key=value` or `binary-v2:///...`. It finds the outputs at
// descriptors 3 and 4, and has to write a byte to 5 (or, in the first version,
// close it) when it is ready. Its arguments are the keys and values, its whole
// environment CONTAINER_ID and CONTAINER_NAMESPACE.
//
// spec: containerd core/runtime/v2/logging, cmd/containerd-shim-runc-v2/process/io.go
class Logger {
 public:
  struct Config {
    std::string path;
    std::vector<std::string> args;
    bool must_say_ready = false;  // binary-v2
    std::string container, ns;
  };

  // Of the URI after its scheme.
  static Result<Config> parse(std::string_view scheme, std::string_view rest);
  // Returns when the program is ready, or has not become so within the time.
  static Result<std::unique_ptr<Logger>> create(const Config& config, std::chrono::milliseconds patience);
  // Kills the program if it still runs.
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // The writing ends, once.
  UniqueFd take_stdout() { return std::move(writers_[0]); }
  UniqueFd take_stderr() { return std::move(writers_[1]); }

  // Nobody writes any more: gives it time to read to the end and to leave, then
  // tells it to, then makes it.
  void finish();

 private:
  Logger() = default;
  Result<void> spawn(const Config& config, const UniqueFd& out, const UniqueFd& err, const UniqueFd& ready);
  Result<void> wait_until_ready(const Config& config, int ready, std::chrono::milliseconds patience);
  bool has_ended(std::chrono::milliseconds patience) const;
  void reap();

  pid_t pid_ = 0;
  UniqueFd pidfd_;  // none: reaped
  UniqueFd writers_[2];
};

}  // namespace wherry::shim
