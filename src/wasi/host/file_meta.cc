// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/file_meta.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "wasi/host/clock.h"
#include "wasi/host/path.h"
#include "wasi/host/special_file.h"

namespace wherry::wasi {
namespace {

using Kind = Descriptor::Kind;

Timestamp to_timestamp(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

Filestat to_filestat(const struct stat& info) {
  Filestat result;
  result.dev = info.st_dev;
  result.ino = info.st_ino;
  result.filetype = filetype_of(info.st_mode);
  result.permissions = info.st_mode & 07777;
  result.uid = info.st_uid;
  result.gid = info.st_gid;
  result.nlink = info.st_nlink;
  result.size = static_cast<uint64_t>(info.st_size);
  result.atim = to_timestamp(info.st_atim);
  result.mtim = to_timestamp(info.st_mtim);
  result.ctim = to_timestamp(info.st_ctim);
  return result;
}

Io<void> check(const Times& times) {
  constexpr Fstflags kAtim = fstflag::atim | fstflag::atim_now, kMtim = fstflag::mtim | fstflag::mtim_now;
  if ((times.flags & kAtim) == kAtim || (times.flags & kMtim) == kMtim) return Errno::inval;
  return {};
}

timespec to_utime(bool set, Timestamp time, bool now) {
  if (now) return timespec{0, UTIME_NOW};
  if (!set) return timespec{0, UTIME_OMIT};
  return to_timespec(time);
}

Io<void> set_times_of(int fd, const Times& times) {
  const timespec both[2] = {
      to_utime(times.flags & fstflag::atim, times.atim, times.flags & fstflag::atim_now),
      to_utime(times.flags & fstflag::mtim, times.mtim, times.flags & fstflag::mtim_now),
  };
  if (::utimensat(fd, "", both, AT_EMPTY_PATH) != 0) return last_errno();
  return {};
}

int nofollow(Follow follow) { return follow == Follow::no ? O_NOFOLLOW : 0; }

Io<void> done(int result) {
  if (result != 0) return last_errno();
  return {};
}

}  // namespace

Io<Filestat> stat(const Descriptor& descriptor) {
  if (descriptor.kind == Kind::stdio) {
    Filestat result;
    result.filetype = descriptor.filetype;
    return result;
  }
  struct stat info;
  if (::fstat(descriptor.fd.get(), &info) != 0) return last_errno();
  Filestat result = to_filestat(info);
  if (descriptor.kind == Kind::socket) result.filetype = descriptor.filetype;
  return result;
}

// A name directly in the directory that is no link takes one system call.
Io<Filestat> stat_at(const Descriptor& directory, const std::string& path, Follow follow) {
  struct stat info;
  if (path.find('/') == std::string::npos && path != "..") {
    if (::fstatat(directory.fd.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return last_errno();
    if (follow == Follow::no || !S_ISLNK(info.st_mode)) return to_filestat(info);
  }
  const UniqueFd fd = TRY(open_within(directory, path.c_str(), O_PATH | nofollow(follow)));
  TRY(check_reach(directory, path, fd.get()));
  if (::fstat(fd.get(), &info) != 0) return last_errno();
  return to_filestat(info);
}

Io<Space> space_at(const Descriptor& directory, const std::string& path) {
  const UniqueFd fd = TRY(open_within(directory, path.c_str(), O_PATH));
  TRY(check_reach(directory, path, fd.get()));
  struct statfs info;
  if (::fstatfs(fd.get(), &info) != 0) return last_errno();
  const auto unit = static_cast<uint64_t>(info.f_frsize);
  return Space{info.f_blocks * unit, info.f_bfree * unit, info.f_bavail * unit};
}

Io<void> set_times(const Descriptor& descriptor, const Times& times) {
  TRY(check(times));
  if (descriptor.kind != Kind::file && descriptor.kind != Kind::directory) return Errno::badf;
  if (descriptor.read_only) return denied_read_only(descriptor);
  return set_times_of(descriptor.fd.get(), times);
}

Io<void> set_times_at(const Descriptor& directory, const std::string& path, Follow follow, const Times& times) {
  TRY(check(times));
  if (directory.read_only) return denied_read_only(directory);
  const UniqueFd fd = TRY(open_within(directory, path.c_str(), O_PATH | nofollow(follow)));
  TRY(check_filesystem(fd.get()));
  return set_times_of(fd.get(), times);
}

Io<void> set_size(const Descriptor& descriptor, uint64_t size) {
  if (descriptor.kind != Kind::file) return Errno::badf;
  if (static_cast<int64_t>(size) < 0) return Errno::inval;
  return done(::ftruncate(descriptor.fd.get(), static_cast<off_t>(size)));
}

Io<void> allocate(const Descriptor& descriptor, uint64_t offset, uint64_t length) {
  if (descriptor.kind != Kind::file) return Errno::badf;
  if (static_cast<int64_t>(offset) < 0 || static_cast<int64_t>(length) < 0) return Errno::inval;
  return done(::fallocate(descriptor.fd.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(length)));
}

Io<void> advise(const Descriptor& descriptor, uint64_t offset, uint64_t length, Advice advice) {
  constexpr int kAdvice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                             POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
  if (descriptor.kind != Kind::file) return Errno::badf;
  if (static_cast<int64_t>(offset) < 0 || static_cast<int64_t>(length) < 0) return Errno::inval;
  const int code = ::posix_fadvise(descriptor.fd.get(), static_cast<off_t>(offset), static_cast<off_t>(length),
                                   kAdvice[static_cast<size_t>(advice)]);
  if (code != 0) return from_linux(code);
  return {};
}

Io<void> sync(const Descriptor& descriptor, Sync what) {
  if (descriptor.kind != Kind::file && descriptor.kind != Kind::directory) return Errno::badf;
  return done(what == Sync::data ? ::fdatasync(descriptor.fd.get()) : ::fsync(descriptor.fd.get()));
}

}  // namespace wherry::wasi
