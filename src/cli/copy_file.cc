// SPDX-License-Identifier: Apache-2.0
#include "cli/copy_file.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"

namespace wherry::cli {
namespace {

Result<void> copy(int from, int to, const std::string& path) {
  struct stat info;
  if (::fstat(from, &info) != 0) return os_error(errno, path);
  off_t at = 0;
  while (at < info.st_size) {
    const ssize_t n = ::sendfile(to, from, &at, static_cast<size_t>(info.st_size - at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, path);
    if (n == 0) return error(ErrorKind::io, path + ": the source became shorter");
  }
  return {};
}

}  // namespace

Result<void> copy_file(int from, const std::string& path) {
  struct stat info;
  // A rename over a device or a socket would do away with it.
  if (::lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
    return error(ErrorKind::invalid, path + ": it exists and is not a regular file");
  std::string temporary = path + ".XXXXXX";
  const UniqueFd to(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!to) return os_error(errno, path);
  auto done = copy(from, to.get(), path);
  if (done && (::fchmod(to.get(), 0644) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0))
    done = os_error(errno, path);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

}  // namespace wherry::cli
