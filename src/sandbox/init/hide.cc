// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/attach.h"
#include "sandbox/init/steps.h"
#include "sandbox/root_path.h"

namespace wherry::sandbox {
namespace {

// The host's /dev/null, seen to be it: the container's could be the image's.
Result<UniqueFd> open_null() {
  UniqueFd null(::open("/dev/null", O_PATH | O_CLOEXEC));
  struct stat info;
  if (!null || ::fstat(null.get(), &info) != 0) return os_error(errno, "/dev/null");
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) return error(ErrorKind::invalid, "/dev/null is something else");
  return null;
}

// nullopt-like empty descriptor if the path does not exist: nothing to hide.
Result<UniqueFd> find(int root, const std::string& path) {
  auto found = open_in_root(root, path, O_PATH);
  if (!found && found.error().kind == ErrorKind::not_found) return UniqueFd();
  return found;
}

Result<void> mask(const InitContext& context, int root, const std::string& path, int null, UniqueFd& empty) {
  const UniqueFd target = TRY(find(root, path));
  if (!target) return {};
  struct stat info;
  if (::fstat(target.get(), &info) != 0) return os_error(errno, path);
  if (!S_ISDIR(info.st_mode)) {
    const UniqueFd copy = TRY(clone_mount(null, "", {}));
    return attach_mount(copy.get(), target.get(), {});
  }
  // One empty directory serves all: the first is made, the others are copies of it.
  if (empty) {
    const UniqueFd copy = TRY(clone_mount(empty.get(), "", {}));
    return attach_mount(copy.get(), target.get(), {});
  }
  MountOptions options{.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                       .file_system = {"nr_inodes=1", "size=4k"}};
  label_files(context, options);
  empty = TRY(new_mount("tmpfs", "tmpfs", options));
  return attach_mount(empty.get(), target.get(), {});
}

Result<void> make_read_only(int root, const std::string& path) {
  const UniqueFd target = TRY(find(root, path));
  if (!target) return {};
  const UniqueFd copy = TRY(clone_mount(target.get(), "", {.recursive_bind = true, .set = MOUNT_ATTR_RDONLY}));
  return attach_mount(copy.get(), target.get(), {});
}

bool has_own_dev(const Spec& spec) {
  for (const SpecMount& mount : spec.mounts) {
    if (mount.destination == "/dev" || mount.destination == "/dev/") return true;
  }
  return false;
}

}  // namespace

Result<void> hide_paths(const InitContext& context, int root) {
  const Linux& spec = context.spec.linux_;
  if (!spec.maskedPaths.empty()) {
    const UniqueFd null = TRY(open_null());
    UniqueFd empty;
    for (const std::string& path : spec.maskedPaths) {
      auto done = mask(context, root, path, null.get(), empty);
      if (!done) return error(done.error().kind, "masked path " + path + ": " + done.error().message);
    }
  }
  for (const std::string& path : spec.readonlyPaths) {
    auto done = make_read_only(root, path);
    if (!done) return error(done.error().kind, "read-only path " + path + ": " + done.error().message);
  }
  uint64_t attributes = context.spec.root.readonly ? MOUNT_ATTR_RDONLY : 0;
  // With a /dev of its own, device nodes elsewhere are the image's, and not wanted.
  if (has_own_dev(context.spec)) attributes |= MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
  return set_attributes(root, attributes, 0, 0, false);
}

}  // namespace wherry::sandbox
