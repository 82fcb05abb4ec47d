// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::shim::grpc {

// What the headers and the trailers of an answer say, as they come.
struct AnswerHeaders {
  std::string http_status;
  std::string content_type;
  std::optional<int> status;  // grpc-status
  std::string message;        // grpc-message, still encoded

  void add(std::string_view name, std::string_view value);

  // Whether the call succeeded; else the peer's own words, in one line.
  Result<void> result() const;
  // The peer has said how the call ended, so that the connection may go on.
  bool has_status() const { return status.has_value(); }
};

}  // namespace wherry::shim::grpc
