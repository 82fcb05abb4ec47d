// SPDX-License-Identifier: Apache-2.0
#include "node/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"

namespace wherry::node {
namespace {

// No pattern of imports covers it.
std::string unfinished(const std::string& path) { return path + ".wherry-new"; }

Result<void> sync_directory(const std::string& path) {
  const UniqueFd directory(::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return os_error(errno, path);
  return {};
}

Result<void> fill(int file, std::string_view content, const FileOwner& owner, const std::string& path) {
  TRY(write_all(file, content, path));
  if (::fchown(file, owner.user, owner.group) != 0 || ::fchmod(file, owner.mode) != 0 || ::fsync(file) != 0)
    return os_error(errno, path);
  return {};
}

}  // namespace

Result<void> replace_durably(const std::string& path, std::string_view content, const FileOwner& owner) {
  const std::string fresh = unfinished(path);
  remove_unfinished(path);
  const UniqueFd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return os_error(errno, path);
  Result<void> done = fill(file.get(), content, owner, path);
  if (done && ::rename(fresh.c_str(), path.c_str()) != 0) done = os_error(errno, path);
  if (!done) {
    ::unlink(fresh.c_str());
    return done;
  }
  return sync_directory(path);
}

Result<void> remove_durably(const std::string& path) {
  remove_unfinished(path);
  if (::unlink(path.c_str()) == 0) return sync_directory(path);
  return errno == ENOENT ? Result<void>() : os_error(errno, path);
}

void remove_unfinished(const std::string& path) { ::unlink(unfinished(path).c_str()); }

Result<bool> remove_if_empty(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
  if (errno == ENOTEMPTY || errno == EEXIST || errno == EBUSY) return false;
  return os_error(errno, directory);
}

}  // namespace wherry::node
