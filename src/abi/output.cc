// SPDX-License-Identifier: Apache-2.0
#include "abi/output.h"

#include <unistd.h>

#include <cerrno>

namespace wherry::abi {
namespace {

constexpr size_t kBuffer = 256u << 10;

}  // namespace

Result<void> write_at(int fd, uint64_t offset, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, "writing the artifact");
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<void> Output::write(std::span<const uint8_t> bytes) {
  if (bytes.size() >= kBuffer) {
    TRY(flush());
    TRY(write_at(fd_, flushed_, bytes));
    flushed_ += bytes.size();
    return {};
  }
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() >= kBuffer) return flush();
  return {};
}

Result<void> Output::align(uint64_t alignment, uint8_t fill) {
  const std::vector<uint8_t> padding(-position() & (alignment - 1), fill);
  return write(padding);
}

Result<void> Output::skip(uint64_t bytes) {
  TRY(flush());
  flushed_ += bytes;
  return {};
}

Result<void> Output::flush() {
  TRY(write_at(fd_, flushed_, buffer_));
  flushed_ += buffer_.size();
  buffer_.clear();
  return {};
}

}  // namespace wherry::abi
