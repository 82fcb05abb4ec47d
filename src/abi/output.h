// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace wherry::abi {

// Writes a regular file from front to back, in large pieces.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  uint64_t position() const { return flushed_ + buffer_.size(); }
  Result<void> write(std::span<const uint8_t> bytes);
  Result<void> align(uint64_t alignment, uint8_t fill = 0);
  Result<void> skip(uint64_t bytes);  // they stay zero until write_at
  Result<void> flush();

 private:
  const int fd_;
  uint64_t flushed_ = 0;
  std::vector<uint8_t> buffer_;
};

Result<void> write_at(int fd, uint64_t offset, std::span<const uint8_t> bytes);

}  // namespace wherry::abi
