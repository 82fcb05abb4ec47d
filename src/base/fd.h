// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"

namespace wherry {

// Owns one file descriptor and closes it. -1 means none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// The whole of a file, refused beyond `limit` bytes before anything is
// allocated for it.
Result<std::string> read_file(const std::string& path, size_t limit);
Result<std::string> read_all(int fd, size_t limit, std::string_view what);

// All of `bytes`, across short writes and EINTR.
Result<void> write_all(int fd, std::span<const std::byte> bytes, std::string_view what);
Result<void> write_all(int fd, std::string_view text, std::string_view what);

// Writes beside `path` and renames over it, so that a reader sees the old
// content or the new one and never half of it.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode);

}  // namespace wherry
