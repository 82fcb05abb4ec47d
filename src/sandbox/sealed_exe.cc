// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sealed_exe.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>

namespace wherry::sandbox {
namespace {

constexpr const char* kSelf = "/proc/self/exe";

// A copy of the file's mount that is in no mount namespace: nobody can reach it
// but through this descriptor, so nobody can make it writable again.
UniqueFd detached_read_only() {
  UniqueFd mount(::open_tree(AT_FDCWD, kSelf, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (mount && ::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) mount.reset();
  return mount;
}

Result<UniqueFd> sealed_copy() {
  const UniqueFd self(::open(kSelf, O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (!self || ::fstat(self.get(), &info) != 0) return os_error(errno, kSelf);
  UniqueFd copy(::memfd_create("wherry-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy) return os_error(errno, "memfd_create");
  for (off_t left = info.st_size; left > 0;) {
    const ssize_t n = ::sendfile(copy.get(), self.get(), nullptr, static_cast<size_t>(left));
    if (n <= 0) return os_error(n == 0 ? EIO : errno, "copying /proc/self/exe");
    left -= n;
  }
  if (::fchmod(copy.get(), 0500) != 0 ||
      ::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return os_error(errno, "sealing a copy of /proc/self/exe");
  }
  return copy;
}

}  // namespace

Result<UniqueFd> open_sealed_exe() {
  UniqueFd mount = detached_read_only();
  if (mount) return mount;
  return sealed_copy();
}

}  // namespace wherry::sandbox
