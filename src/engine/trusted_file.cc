// SPDX-License-Identifier: Apache-2.0
#include "engine/trusted_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace wherry::engine {
namespace {

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// A name that prune() knows for one left behind.
std::string temporary_name() {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) random = static_cast<uint64_t>(getpid());
  char name[32];
  snprintf(name, sizeof name, ".new-%016llx", static_cast<unsigned long long>(random));
  return name;
}

}  // namespace

Result<void> check_trusted(int fd, std::string_view what) {
  struct stat status;
  if (fstat(fd, &status) != 0) return os_error(errno, what);
  const bool ours = status.st_uid == 0 || status.st_uid == geteuid();
  if (!ours) return error(ErrorKind::denied, std::string(what) + ": belongs to user " + std::to_string(status.st_uid));
  if (status.st_mode & (S_IWGRP | S_IWOTH)) {
    return error(ErrorKind::denied, std::string(what) + ": others than its owner may write to it");
  }
  return {};
}

Result<UniqueFd> open_trusted(int directory, const std::string& name) {
  UniqueFd file(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return os_error(errno, name);
  struct stat status;
  if (fstat(file.get(), &status) != 0) return os_error(errno, name);
  if (!S_ISREG(status.st_mode)) return error(ErrorKind::denied, name + ": not a regular file");
  TRY(check_trusted(file.get(), name));
  return file;
}

Result<void> write_trusted(int directory, const std::string& name, std::string_view content) {
  const std::string temporary = temporary_name();
  const UniqueFd file(openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return os_error(errno, name);
  Result<void> written = write_all(file.get(), content, name);
  if (written && renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
    written = os_error(errno, name);
  }
  if (!written) unlinkat(directory, temporary.c_str(), 0);
  return written;
}

Result<UniqueFd> open_trusted_directory(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    mkdir(path.substr(0, slash).c_str(), 0755);  // what fails here fails below
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return os_error(errno, path);
  UniqueFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return os_error(errno, path);
  TRY(check_trusted(directory.get(), path));
  return directory;
}

Result<UniqueFd> unnamed_file(int directory) {
  UniqueFd file(openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return os_error(errno, "new file in the cache");
  return file;
}

Result<void> name_file(int directory, int file, const std::string& name) {
  if (fchmod(file, 0400) != 0 || fdatasync(file) != 0) return os_error(errno, name);
  const std::string temporary = temporary_name();
  if (linkat(AT_FDCWD, descriptor_path(file).c_str(), directory, temporary.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return os_error(errno, name);
  }
  if (renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) {
    const int saved = errno;
    unlinkat(directory, temporary.c_str(), 0);
    return os_error(saved, name);
  }
  return {};
}

}  // namespace wherry::engine
