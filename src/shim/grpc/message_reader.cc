// SPDX-License-Identifier: Apache-2.0
#include "shim/grpc/message_reader.h"

#include <algorithm>
#include <utility>

namespace wherry::shim::grpc {
namespace {

// Appends to `out` until it has `size` bytes, and drops those from `in`.
void move_bytes(std::string_view& in, std::string& out, size_t size) {
  const size_t count = std::min(in.size(), size - out.size());
  out.append(in.substr(0, count));
  in.remove_prefix(count);
}

}  // namespace

std::string encode_message(std::string_view message) {
  std::string out(kMessagePrefix, '\0');
  for (size_t i = 1; i < kMessagePrefix; i++) out[i] = static_cast<char>(message.size() >> (8 * (kMessagePrefix - 1 - i)));
  out.append(message);
  return out;
}

Result<void> MessageReader::read_prefix() {
  if (prefix_[0] != 0) return error(ErrorKind::malformed, "a compressed message, which was not asked for");
  length_ = 0;
  for (size_t i = 1; i < kMessagePrefix; i++) length_ = length_ << 8 | static_cast<uint8_t>(prefix_[i]);
  if (length_ > limit_) {
    return error(ErrorKind::exhausted, "a message of " + std::to_string(length_) + " bytes, the limit is " + std::to_string(limit_));
  }
  return {};
}

Result<void> MessageReader::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    if (prefix_.size() < kMessagePrefix) {
      move_bytes(bytes, prefix_, kMessagePrefix);
      if (prefix_.size() < kMessagePrefix) return {};
      TRY(read_prefix());
    }
    move_bytes(bytes, message_, length_);
    if (message_.size() < length_) return {};
    prefix_.clear();
    TRY(take(std::exchange(message_, {})));
  }
  return {};
}

}  // namespace wherry::shim::grpc
