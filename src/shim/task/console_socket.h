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
  static Result<std::unique_ptr<ConsoleSocket>> create(const std::string& path);
  ~ConsoleSocket();
  ConsoleSocket(const ConsoleSocket&) = delete;
  ConsoleSocket& operator=(const ConsoleSocket&) = delete;

  // What came, once runc has ended; it does not wait. In non-blocking mode.
  Result<UniqueFd> take() const;

 private:
  ConsoleSocket(std::string path, UniqueFd listener) : path_(std::move(path)), listener_(std::move(listener)) {}
  const std::string path_;
  const UniqueFd listener_;
};

}  // namespace wherry::shim
