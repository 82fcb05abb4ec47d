// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::shim {

// The socket on which runc hands over the master of a terminal that it made.
class ConsoleSocket {
 public:
  // In `directory`, which may have a longer path than a socket can: runc finds it
  // through a descriptor of ours.
  static Result<std::unique_ptr<ConsoleSocket>> create(const std::string& directory, const std::string& name);
  ~ConsoleSocket();
  ConsoleSocket(const ConsoleSocket&) = delete;
  ConsoleSocket& operator=(const ConsoleSocket&) = delete;

  // For runc's --console-socket.
  const std::string& path() const { return path_; }
  // What came, once runc has ended; it does not wait. In non-blocking mode.
  Result<UniqueFd> take() const;

 private:
  ConsoleSocket(UniqueFd directory, std::string path) : directory_(std::move(directory)), path_(std::move(path)) {}
  const UniqueFd directory_;
  const std::string path_;
  UniqueFd listener_;
};

}  // namespace wherry::shim
