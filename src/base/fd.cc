// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace wherry {

Result<std::string> read_all(int fd, size_t limit, std::string_view what) {
  std::string content;
  struct stat info;
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    if (static_cast<uint64_t>(info.st_size) > limit) {
      return error(ErrorKind::exhausted, std::string(what) + ": " + std::to_string(info.st_size) +
                                             " bytes, the limit is " + std::to_string(limit));
    }
    content.reserve(static_cast<size_t>(info.st_size) + 1);
  }
  size_t used = 0;
  for (;;) {
    const size_t room = std::clamp<size_t>(content.capacity() - used, 4096, size_t{1} << 20);
    content.resize(used + room);
    const ssize_t n = ::read(fd, content.data() + used, room);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, what);
    used += static_cast<size_t>(n);
    content.resize(used);
    if (n == 0) return content;
    if (used > limit) {
      return error(ErrorKind::exhausted, std::string(what) + ": longer than the limit of " + std::to_string(limit) + " bytes");
    }
  }
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return os_error(errno, path);
  return read_all(fd.get(), limit, path);
}

Result<void> write_all(int fd, std::span<const std::byte> bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, what);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<void> write_all(int fd, std::string_view text, std::string_view what) {
  return write_all(fd, std::as_bytes(std::span(text)), what);
}

Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return os_error(errno, path);
  Result<void> done = write_all(fd.get(), content, path);
  if (done && (::fchmod(fd.get(), mode) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0)) {
    done = os_error(errno, path);
  }
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace wherry
