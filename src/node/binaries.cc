// SPDX-License-Identifier: Apache-2.0
#include "node/binaries.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "base/sha256.h"
#include "node/durable_file.h"

namespace wherry::node {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

// A regular file, or none where there is nothing of that name.
Result<UniqueFd> open_file(int directory, const std::string& path) {
  UniqueFd file(::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return UniqueFd();
  struct stat info;
  if (!file || ::fstat(file.get(), &info) != 0) return os_error(errno, path);
  if (!S_ISREG(info.st_mode)) return error(ErrorKind::invalid, path + ": not a regular file");
  return file;
}

// Of the source, which may be what `make install` has made.
Result<UniqueFd> open_binary(const UniqueFd& source, const Binary& binary) {
  UniqueFd file = TRY(open_file(source.get(), binary.name));
  if (!file && binary.elsewhere) return open_file(source.get(), binary.elsewhere);
  return file;
}

Result<Digest> digest_of(int file, const std::string& path) {
  Sha256 hash;
  std::array<uint8_t, 1 << 16> buffer;
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(file, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, path);
    if (n == 0) return hash.finish();
    hash.update(std::span(buffer).first(static_cast<size_t>(n)));
    at += n;
  }
}

Result<bool> same_content(int file, const std::string& path, mode_t mode) {
  const UniqueFd there = TRY(open_file(AT_FDCWD, path));
  struct stat info;
  if (!there || ::fstat(there.get(), &info) != 0 || (info.st_mode & 0777) != mode) return false;
  return TRY(digest_of(there.get(), path)) == TRY(digest_of(file, path));
}

Result<void> copy_content(int from, int to, const std::string& path) {
  struct stat info;
  if (::fstat(from, &info) != 0) return os_error(errno, path);
  for (off_t at = 0; at < info.st_size;) {
    const ssize_t n = ::sendfile(to, from, &at, static_cast<size_t>(info.st_size - at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_error(errno, path);
    if (n == 0) return error(ErrorKind::io, path + ": the source became shorter");
  }
  return {};
}

// On disk before it gets its name: after a power failure there is no empty shim.
Result<void> place(int from, const std::string& path, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd to(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!to) return os_error(errno, path);
  auto done = copy_content(from, to.get(), path);
  if (done && (::fchmod(to.get(), mode) != 0 || ::fsync(to.get()) != 0 ||
               ::rename(temporary.c_str(), path.c_str()) != 0))
    done = os_error(errno, path);
  if (!done) ::unlink(temporary.c_str());
  return done;
}

Result<void> make_directories(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1))
    if (::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) return os_error(errno, path);
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return os_error(errno, path);
  return {};
}

// What a copy that was killed has left.
void remove_temporaries(const std::string& directory) {
  constexpr size_t kSuffix = sizeof ".XXXXXX" - 1;
  const std::unique_ptr<DIR, DirCloser> list(::opendir(directory.c_str()));
  while (const dirent* entry = list ? ::readdir(list.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    for (const Binary& binary : kBinaries)
      if (name.size() == std::string_view(binary.name).size() + kSuffix && name.starts_with(binary.name) &&
          name[name.size() - kSuffix] == '.')
        ::unlink((directory + "/" + entry->d_name).c_str());
  }
}

std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return std::string(target.data(), size > 0 ? static_cast<size_t>(size) : 0);
}

}  // namespace

Result<UniqueFd> open_source(const std::string& directory) {
  UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return os_error(errno, directory);
  return opened;
}

Result<void> check_trusted_directory(const std::string& path) {
  if (!path.starts_with('/')) return error(ErrorKind::invalid, path + ": not an absolute path");
  for (std::string at = path; !at.empty(); at.resize(at.rfind('/'))) {
    struct stat info;
    if (::stat(at.c_str(), &info) != 0) {
      if (errno == ENOENT) continue;
      return os_error(errno, at);
    }
    if (info.st_uid != 0 || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      return error(ErrorKind::denied, at + ": others than root could put a program there, which root would run");
  }
  return {};
}

Result<std::vector<std::string>> available_binaries(const UniqueFd& source) {
  std::vector<std::string> names;
  for (const Binary& binary : kBinaries) {
    const UniqueFd file = TRY(open_binary(source, binary));
    if (file) names.emplace_back(binary.name);
    if (!file && binary.required)
      return error(ErrorKind::not_found, std::string(binary.name) + ": it is not beside the others");
  }
  return names;
}

bool same_directory(const UniqueFd& source, const std::string& directory) {
  struct stat from, to;
  return ::fstat(source.get(), &from) == 0 && ::stat(directory.c_str(), &to) == 0 && from.st_dev == to.st_dev &&
         from.st_ino == to.st_ino;
}

Result<void> install_binaries(const UniqueFd& source, const std::string& directory) {
  TRY(available_binaries(source));
  TRY(check_trusted_directory(directory));
  TRY(make_directories(directory));
  remove_temporaries(directory);
  for (const Binary& binary : kBinaries) {
    const UniqueFd file = TRY(open_binary(source, binary));
    if (!file) continue;
    const std::string path = directory + "/" + binary.name;
    const bool same = TRY(same_content(file.get(), path, binary.mode));
    if (!same) TRY(place(file.get(), path, binary.mode));
  }
  return {};
}

Result<std::vector<std::string>> outdated_binaries(const UniqueFd& source, const std::string& directory) {
  std::vector<std::string> outdated;
  for (const Binary& binary : kBinaries) {
    const UniqueFd file = TRY(open_binary(source, binary));
    if (file ? !TRY(same_content(file.get(), directory + "/" + binary.name, binary.mode)) : binary.required)
      outdated.emplace_back(binary.name);
  }
  return outdated;
}

Result<void> remove_binaries(const std::vector<std::string>& names, const std::string& directory) {
  remove_temporaries(directory);
  for (const std::string& name : names)
    if (::unlink((directory + "/" + name).c_str()) != 0 && errno != ENOENT) return os_error(errno, directory + "/" + name);
  // Not if somebody else has something in it.
  if (TRY(remove_if_empty(directory))) TRY(remove_if_empty(directory.substr(0, directory.rfind('/'))));
  return {};
}

std::vector<pid_t> running_shims(const std::string& directory) {
  std::vector<pid_t> found;
  const std::string shim = directory + "/" + kShimName;
  const std::unique_ptr<DIR, DirCloser> proc(::opendir("/proc"));
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const std::string target = link_target(std::string("/proc/") + entry->d_name + "/exe");
    if (target == shim || target == shim + " (deleted)") found.push_back(std::atoi(entry->d_name));
  }
  return found;
}

}  // namespace wherry::node
