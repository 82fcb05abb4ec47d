// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/fd.h"
#include "shim/ttrpc/frame.h"
#include "shim/ttrpc/status.h"

namespace wherry::shim {

// How a call ended that reached its server.
struct Answer {
  Status status = Status::ok;
  std::string message;
  std::string payload;
};

// A connection that makes one call at a time. An error means that the
// connection is of no more use.
class Client {
 public:
  static Result<std::unique_ptr<Client>> connect(const std::string& path);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<Answer> call(std::string_view service, std::string_view method, std::string payload, std::chrono::milliseconds timeout);

 private:
  explicit Client(UniqueFd socket) : socket_(std::move(socket)) {}

  const UniqueFd socket_;
  FrameReader reader_;
  uint32_t next_stream_ = 1;
};

}  // namespace wherry::shim
