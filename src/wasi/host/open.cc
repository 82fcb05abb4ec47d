// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/open.h"

#include <fcntl.h>
#include <unistd.h>

#include "wasi/host/path.h"
#include "wasi/host/policy.h"
#include "wasi/host/special_file.h"

// Opening a file can have an effect, so a file is looked at before it is opened:
// first an O_PATH descriptor, which opens nothing, is checked; then the same path
// is opened within the same scope and must be the same file, else the whole is
// tried anew. (Opening /proc/self/fd/N would need no second look, but a container
// need not have /proc.) Whoever exchanges the file in between gets one open and
// one close of something that the guest never sees, with O_NONBLOCK and O_NOCTTY,
// so that it neither blocks nor takes a terminal; O_TRUNC is never passed on, the
// file is cut when it is known to be the right one.
namespace wherry::wasi {
namespace {

constexpr int kTries = 64;

struct Opened {
  UniqueFd fd;
  struct stat info;
};

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && (a.st_mode & S_IFMT) == (b.st_mode & S_IFMT) && a.st_rdev == b.st_rdev;
}

int access_flags(const OpenRequest& request) {
  const bool write = request.rights & right::fd_write;
  const bool read = (request.rights & right::fd_read) || !write;
  int flags = write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (request.follow == Follow::no) flags |= O_NOFOLLOW;
  if (request.fdflags & fdflag::append) flags |= O_APPEND;
  if (request.fdflags & fdflag::dsync) flags |= O_DSYNC;
  if (request.fdflags & (fdflag::sync | fdflag::rsync)) flags |= O_SYNC;
  return flags | O_NONBLOCK | O_NOCTTY;
}

// A new file. Without excl a dangling link leads to the file that is made.
Io<Opened> create_at(const Descriptor& directory, const std::string& path, const OpenRequest& request) {
  const int flags = access_flags(request) | O_CREAT;
  Io<UniqueFd> fd = open_within(directory, path.c_str(), flags | O_EXCL, request.new_file_mode);
  const bool may_be_link = !fd && fd.error() == Errno::exist && request.follow == Follow::yes && !(request.oflags & oflag::excl);
  if (may_be_link) fd = open_within(directory, path.c_str(), flags, request.new_file_mode);
  if (!fd) return fd.error();
  const struct stat info = TRY(check_openable(directory, path, fd->get()));
  if (!S_ISREG(info.st_mode)) return Errno::again;
  return Opened{std::move(*fd), info};
}

Io<Opened> open_directory(UniqueFd probe, const struct stat& info, const OpenRequest& request) {
  if ((request.rights & right::fd_write) || (request.oflags & (oflag::creat | oflag::trunc))) return Errno::isdir;
  const int fd = ::openat(probe.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A directory that may be searched but not read serves for paths all the same.
  if (fd < 0 && errno == EACCES) return Opened{std::move(probe), info};
  if (fd < 0) return last_errno();
  return Opened{UniqueFd(fd), info};
}

// Cuts the file that was opened as `fd`, by a descriptor of its own if that one
// is not for writing.
Io<void> cut(const Descriptor& directory, const std::string& path, const OpenRequest& request, int fd, const struct stat& info) {
  UniqueFd writable;
  if (!(request.rights & right::fd_write)) {
    writable = TRY(open_within(directory, path.c_str(), (access_flags(request) & ~O_ACCMODE) | O_WRONLY));
    struct stat again;
    if (::fstat(writable.get(), &again) != 0) return last_errno();
    if (!same_file(again, info)) return Errno::again;
    fd = writable.get();
  }
  if (::ftruncate(fd, 0) != 0) return last_errno();
  return {};
}

Io<Opened> open_checked(const Descriptor& directory, const std::string& path, const OpenRequest& request,
                        const struct stat& checked) {
  UniqueFd fd = TRY(open_within(directory, path.c_str(), access_flags(request)));
  const struct stat info = TRY(check_openable(directory, path, fd.get()));
  if (!same_file(info, checked)) return Errno::again;
  if ((request.oflags & oflag::trunc) && S_ISREG(info.st_mode)) TRY(cut(directory, path, request, fd.get(), info));
  return Opened{std::move(fd), info};
}

// One attempt; again if the file changed meanwhile.
Io<Opened> try_open(const Descriptor& directory, const std::string& path, const OpenRequest& request) {
  const bool creat = request.oflags & oflag::creat;
  const bool exclusive = creat && (request.oflags & oflag::excl);
  const int nofollow = exclusive || request.follow == Follow::no ? O_NOFOLLOW : 0;
  Io<UniqueFd> probe = open_within(directory, path.c_str(), O_PATH | nofollow);
  if (!probe && probe.error() == Errno::noent && creat) {
    if (directory.read_only) return denied_read_only(directory);
    Io<Opened> made = create_at(directory, path, request);
    return !made && made.error() == Errno::exist && !exclusive ? Io<Opened>(Errno::again) : std::move(made);
  }
  if (!probe) return probe.error();
  if (exclusive) return Errno::exist;
  const Io<struct stat> openable = check_openable(directory, path, probe->get());
  if (!openable) return directory.policy ? directory.policy->denied(Denial::special_file, path, openable.error()) : openable.error();
  const struct stat info = *openable;
  if (S_ISLNK(info.st_mode)) return Errno::loop;
  if (S_ISDIR(info.st_mode)) return open_directory(std::move(*probe), info, request);
  if (request.oflags & oflag::directory) return Errno::notdir;
  return open_checked(directory, path, request, info);
}

Descriptor describe(const Descriptor& directory, Opened opened, const OpenRequest& request) {
  Descriptor result;
  result.filetype = filetype_of(opened.info.st_mode);
  result.read_only = directory.read_only;
  result.policy = directory.policy;
  const bool is_directory = result.filetype == Filetype::directory;
  result.kind = is_directory ? Descriptor::Kind::directory : Descriptor::Kind::file;
  if (is_directory) {
    struct stat above;
    if (directory.scope == Descriptor::Scope::in_process_root) result.scope = directory.scope;
    if (::fstat(directory.fd.get(), &above) == 0 && same_file(above, opened.info)) result.scope = directory.scope;
  } else {
    result.flags = request.fdflags;
  }
  const bool writable = request.rights & right::fd_write;
  const bool readable = (request.rights & right::fd_read) || !writable;
  result.base = result.inheriting = rights_of(result.filetype, readable, writable);
  result.fd = std::move(opened.fd);
  return result;
}

}  // namespace

Rights rights_of(Filetype filetype, bool readable, bool writable) {
  Rights rights = right::kAll;
  if (filetype == Filetype::directory) rights &= ~(right::fd_seek | right::fd_filestat_set_size | right::path_filestat_set_size);
  if (!readable) rights &= ~(right::fd_read | right::fd_readdir);
  if (!writable) rights &= ~right::fd_write;
  return rights;
}

Io<Descriptor> open_at(const Descriptor& directory, const std::string& path, const OpenRequest& request) {
  if ((request.oflags & oflag::directory) && (request.oflags & (oflag::creat | oflag::excl | oflag::trunc))) return Errno::inval;
  if (directory.read_only && ((request.rights & right::fd_write) || (request.oflags & oflag::trunc))) return denied_read_only(directory);
  for (int i = 0; i < kTries; i++) {
    Io<Opened> opened = try_open(directory, path, request);
    if (opened) return describe(directory, std::move(*opened), request);
    if (opened.error() != Errno::again) return opened.error();
  }
  return Errno::again;
}

}  // namespace wherry::wasi
