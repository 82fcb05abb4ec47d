// SPDX-License-Identifier: Apache-2.0
// Taking the root file system, and moving into it.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/attach.h"
#include "sandbox/init/steps.h"
#include "sandbox/root_path.h"

namespace wherry::sandbox {
namespace {

// Whatever holds the root file system must not pass our mounts on to the host.
Result<void> make_parent_private(std::string path) {
  while (::mount(nullptr, path.c_str(), nullptr, MS_PRIVATE, nullptr) != 0) {
    if (errno != EINVAL || path == "/") return os_error(errno, "cannot make the mount of " + path + " private");
    const size_t slash = path.rfind('/');
    path = slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
  }
  return {};
}

Result<void> part_from_the_host(const Spec& spec, const std::string& rootfs) {
  uint64_t propagation = TRY(parse_propagation(spec.linux_.rootfsPropagation));
  if (propagation == 0) propagation = MS_SLAVE | MS_REC;
  if (::mount(nullptr, "/", nullptr, propagation, nullptr) != 0) return os_error(errno, "cannot set mount propagation");
  return make_parent_private(rootfs);
}

}  // namespace

Result<UniqueFd> take_root(const InitContext& context) {
  // In a user namespace all mounts were made slaves when they were copied, and the
  // working directory is the root file system.
  const std::string rootfs = context.has_user_namespace() ? "" : context.message.rootfs;
  if (!context.has_user_namespace()) TRY(part_from_the_host(context.spec, rootfs));
  UniqueFd root = TRY(clone_mount(AT_FDCWD, rootfs, MountOptions{.bind = true, .recursive_bind = true}));
  TRY(set_attributes(root.get(), 0, 0, MS_PRIVATE, true));
  UniqueFd place;
  if (!rootfs.empty()) {
    place.reset(::open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place) return os_error(errno, rootfs);
  }
  TRY(attach_mount(root.get(), place ? place.get() : AT_FDCWD, {}));
  return root;
}

Result<void> pivot_into(const InitContext& context, int root) {
  // Both roots at one place: the old one ends up on top and is detached from there.
  if (::fchdir(root) != 0) return os_error(errno, context.message.rootfs);
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return os_error(errno, "pivot_root");
  // What is unmounted here must stay mounted on the host.
  if (::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) return os_error(errno, "old root");
  if (::umount2(".", MNT_DETACH) != 0) return os_error(errno, "cannot detach the old root");
  if (::chdir("/") != 0) return os_error(errno, "/");
  const uint64_t propagation = TRY(parse_propagation(context.spec.linux_.rootfsPropagation));
  if (propagation != 0 && ::mount(nullptr, "/", nullptr, propagation, nullptr) != 0) {
    return os_error(errno, "rootfsPropagation");
  }

  const std::string& cwd = context.spec.process.cwd;
  if (cwd == "/") return {};
  const UniqueFd new_root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto directory = make_directory_in_root(new_root.get(), cwd);
  if (!directory) return error(directory.error().kind, "cwd " + directory.error().message);
  if (::fchdir(directory->get()) != 0) return os_error(errno, "cwd " + cwd);
  return {};
}

}  // namespace wherry::sandbox
