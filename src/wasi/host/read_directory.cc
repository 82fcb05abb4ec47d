// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/read_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "wasi/host/special_file.h"

namespace wherry::wasi {
namespace {

Filetype filetype_of_entry(int directory, const dirent64& entry) {
  switch (entry.d_type) {
    case DT_BLK:
      return Filetype::block_device;
    case DT_CHR:
      return Filetype::character_device;
    case DT_DIR:
      return Filetype::directory;
    case DT_REG:
      return Filetype::regular_file;
    case DT_LNK:
      return Filetype::symbolic_link;
    case DT_SOCK:
      return Filetype::socket_stream;
    case DT_UNKNOWN: {
      struct stat info;
      const bool known = ::fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0;
      return known ? filetype_of(info.st_mode) : Filetype::unknown;
    }
    default:
      return Filetype::unknown;
  }
}

}  // namespace

Io<void> DirectoryReader::seek(Descriptor& directory, uint64_t cookie) {
  if (static_cast<int64_t>(cookie) < 0) return Errno::inval;
  if (::lseek(directory.fd.get(), static_cast<off_t>(cookie), SEEK_SET) >= 0) return {};
  if (errno != EBADF) return last_errno();
  // A preopened directory may be an O_PATH descriptor.
  UniqueFd readable(::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable) return last_errno();
  directory.fd = std::move(readable);
  if (::lseek(directory.fd.get(), static_cast<off_t>(cookie), SEEK_SET) < 0) return last_errno();
  return {};
}

Io<bool> DirectoryReader::next(DirectoryEntry& entry) {
  if (used_ == size_) {
    const ssize_t n = ::getdents64(directory_.fd.get(), buffer_, sizeof buffer_);
    if (n < 0) return last_errno();
    if (n == 0) return false;
    used_ = 0;
    size_ = static_cast<size_t>(n);
  }
  const auto& raw = *reinterpret_cast<const dirent64*>(buffer_ + used_);
  used_ += raw.d_reclen;
  entry.next = static_cast<uint64_t>(raw.d_off);
  entry.inode = raw.d_ino;
  entry.filetype = filetype_of_entry(directory_.fd.get(), raw);
  entry.name = raw.d_name;
  return true;
}

}  // namespace wherry::wasi
