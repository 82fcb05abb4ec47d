// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::shim::grpc {

// Who gets the messages of a call, one after the other; an error ends the call.
using Take = std::function<Result<void>(std::string message)>;

// What stands before each message: a flag, and its length in 4 bytes.
inline constexpr size_t kMessagePrefix = 5;
std::string encode_message(std::string_view message);

// Takes gRPC's messages out of the bytes of an answer, however those are cut. A
// message of more than `limit` bytes is refused when its length is known.
class MessageReader {
 public:
  explicit MessageReader(size_t limit) : limit_(limit) {}

  Result<void> feed(std::string_view bytes, const Take& take);
  // Nothing of a message is waiting for its rest.
  bool is_between_messages() const { return prefix_.empty(); }

 private:
  Result<void> read_prefix();

  const size_t limit_;
  std::string prefix_;
  std::string message_;
  size_t length_ = 0;  // of the message, once the prefix is complete
};

}  // namespace wherry::shim::grpc
