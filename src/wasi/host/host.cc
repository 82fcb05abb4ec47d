// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/host.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "wasi/host/special_file.h"

namespace wherry::wasi {
namespace {

// What wasmtime reports for a preopened directory.
constexpr Rights kDirectoryBase =
    right::path_create_directory | right::path_create_file | right::path_link_source | right::path_link_target |
    right::path_open | right::fd_readdir | right::path_readlink | right::path_rename_source |
    right::path_rename_target | right::path_symlink | right::path_remove_directory | right::path_unlink_file |
    right::path_filestat_get | right::path_filestat_set_times | right::fd_filestat_get | right::fd_filestat_set_times;
constexpr Rights kDirectoryInheriting =
    kDirectoryBase | right::fd_datasync | right::fd_read | right::fd_seek | right::fd_fdstat_set_flags |
    right::fd_sync | right::fd_tell | right::fd_write | right::fd_advise | right::fd_allocate |
    right::fd_filestat_set_size | right::poll_fd_readwrite;

bool is_process_root(const struct stat& info) {
  struct stat root;
  return ::stat("/", &root) == 0 && root.st_dev == info.st_dev && root.st_ino == info.st_ino;
}

}  // namespace

// What is no terminal is reported as unknown: the guest's isatty() goes by the
// file type, and no more is promised of its stdio. A descriptor that this process lacks keeps its
// number and allows nothing.
Io<Descriptor> stdio(int fd) {
  Descriptor result;
  result.kind = Descriptor::Kind::stdio;
  struct stat info;
  if (::fstat(fd, &info) != 0) return errno == EBADF ? Io<Descriptor>(std::move(result)) : last_errno();
  result.fd.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!result.fd) return last_errno();
  result.filetype = ::isatty(fd) ? Filetype::character_device : Filetype::unknown;
  result.may_wait = !S_ISREG(info.st_mode);
  result.base = result.inheriting = fd == STDIN_FILENO ? right::fd_read : right::fd_write;
  return result;
}

Io<Descriptor> preopened_directory(PreopenedDirectory directory) {
  struct stat info;
  if (::fstat(directory.fd.get(), &info) != 0) return last_errno();
  if (!S_ISDIR(info.st_mode)) return Errno::notdir;
  TRY(check_filesystem(directory.fd.get()));
  Descriptor result;
  result.fd = std::move(directory.fd);
  result.kind = Descriptor::Kind::directory;
  result.filetype = Filetype::directory;
  result.base = kDirectoryBase;
  result.inheriting = kDirectoryInheriting;
  result.scope = directory.scope == Descriptor::Scope::in_root && is_process_root(info) ? Descriptor::Scope::in_process_root
                                                                                         : directory.scope;
  result.read_only = directory.read_only;
  result.preopened = std::make_unique<std::string>(std::move(directory.name));
  return result;
}

}  // namespace wherry::wasi
