// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/special_file.h"

#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "wasi/host/process_files.h"

namespace wherry::wasi {
namespace {

constexpr uint32_t kConfigfsMagic = 0x62656570;
constexpr uint32_t kFusectlMagic = 0x65735543;
constexpr uint32_t kMqueueMagic = 0x19800202;

constexpr std::array<uint32_t, 21> kRefusedFilesystems = {
    PROC_SUPER_MAGIC, SYSFS_MAGIC,       CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,
    TRACEFS_MAGIC,    SECURITYFS_MAGIC,  BPF_FS_MAGIC,       EFIVARFS_MAGIC,      PSTOREFS_MAGIC,
    NSFS_MAGIC,       SELINUX_MAGIC,     SMACK_MAGIC,        DEVPTS_SUPER_MAGIC,  BINFMTFS_MAGIC,
    DEVMEM_MAGIC,     AUTOFS_SUPER_MAGIC, BDEVFS_MAGIC,      kConfigfsMagic,      kFusectlMagic,
    kMqueueMagic,
};

struct Device {
  unsigned major, minor;
  const char* name;
};
constexpr Device kAllowedDevices[] = {
    {1, 3, "null"}, {1, 5, "zero"}, {1, 7, "full"}, {1, 8, "random"}, {1, 9, "urandom"}, {5, 0, "tty"},
};

bool openable(const struct stat& info) {
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) || S_ISLNK(info.st_mode)) return true;
  if (!S_ISCHR(info.st_mode)) return false;
  return std::any_of(std::begin(kAllowedDevices), std::end(kAllowedDevices), [&](const Device& device) {
    return major(info.st_rdev) == device.major && minor(info.st_rdev) == device.minor;
  });
}

}  // namespace

Io<void> check_filesystem(int fd) {
  struct statfs info;
  if (::fstatfs(fd, &info) != 0) return last_errno();
  const auto type = static_cast<uint32_t>(info.f_type);
  if (std::find(kRefusedFilesystems.begin(), kRefusedFilesystems.end(), type) != kRefusedFilesystems.end()) return Errno::acces;
  return {};
}

Io<void> check_reach(const Descriptor& directory, std::string_view path, int fd) {
  if (directory.scope != Descriptor::Scope::processes) return check_filesystem(fd);
  if (path == "." || is_process_file(path)) return {};
  return Errno::acces;
}

Io<struct stat> check_openable(const Descriptor& directory, std::string_view path, int fd) {
  TRY(check_reach(directory, path, fd));
  struct stat info;
  if (::fstat(fd, &info) != 0) return last_errno();
  if (!openable(info)) return Errno::acces;
  return info;
}

Filetype filetype_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFBLK:
      return Filetype::block_device;
    case S_IFCHR:
      return Filetype::character_device;
    case S_IFDIR:
      return Filetype::directory;
    case S_IFREG:
      return Filetype::regular_file;
    case S_IFLNK:
      return Filetype::symbolic_link;
    case S_IFSOCK:
      return Filetype::socket_stream;
    default:
      return Filetype::unknown;
  }
}

}  // namespace wherry::wasi
