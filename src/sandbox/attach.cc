// SPDX-License-Identifier: Apache-2.0
#include "sandbox/attach.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

namespace wherry::sandbox {
namespace {

// What the kernel has to say about a rejected option, e.g. "tmpfs: Bad value for
// 'size'"; strerror if it says nothing.
Error file_system_error(int context, int saved_errno, const std::string& what) {
  char message[512];
  const ssize_t n = ::read(context, message, sizeof message - 1);
  if (n <= 2) return os_error(saved_errno, what);
  std::string text(message + 2, static_cast<size_t>(n) - 2);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return error(ErrorKind::invalid, what + ": " + text);
}

}  // namespace

Result<void> set_attributes(int mount, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive) {
  if (set == 0 && clear == 0 && propagation == 0) return {};
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  if (::mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes) == 0) return {};
  if (errno == ENOSYS) return error(ErrorKind::unavailable, "mount_setattr: this needs Linux 5.12 or later");
  return os_error(errno, "mount_setattr");
}

Result<UniqueFd> clone_mount(int at, const std::string& path, const MountOptions& options) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (path.empty() ? AT_EMPTY_PATH : 0u) |
                         (options.recursive_bind ? AT_RECURSIVE : 0u);
  UniqueFd mount(::open_tree(at, path.c_str(), flags));
  if (!mount) return os_error(errno, path.empty() ? "open_tree" : path);
  TRY(set_attributes(mount.get(), options.set_all, options.clear_all, 0, true));
  TRY(set_attributes(mount.get(), options.set, options.clear, 0, false));
  return mount;
}

Result<UniqueFd> new_mount(const std::string& type, const std::string& source, const MountOptions& options) {
  UniqueFd context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context) {
    if (errno == ENODEV) return error(ErrorKind::unsupported, "this kernel has no file system `" + type + "`");
    return os_error(errno, type);
  }
  const auto configure = [&](const std::string& key, const std::string* value) -> Result<void> {
    const auto command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    if (::fsconfig(context.get(), command, key.c_str(), value ? value->c_str() : nullptr, 0) == 0) return {};
    return file_system_error(context.get(), errno, type + ": option `" + key + "`");
  };
  if (!source.empty()) TRY(configure("source", &source));
  for (const std::string& option : options.file_system) {
    const size_t equals = option.find('=');
    if (equals == std::string::npos) {
      TRY(configure(option, nullptr));
    } else {
      const std::string value = option.substr(equals + 1);
      TRY(configure(option.substr(0, equals), &value));
    }
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return file_system_error(context.get(), errno, type);
  }
  UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(options.set | options.set_all)));
  if (!mount) return file_system_error(context.get(), errno, type);
  return mount;
}

Result<void> attach_mount(int mount, int target, const MountOptions& options) {
  if (::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return os_error(errno, "move_mount");
  }
  for (const uint64_t propagation : options.propagation) {
    TRY(set_attributes(mount, 0, 0, propagation & ~uint64_t{MS_REC}, (propagation & MS_REC) != 0));
  }
  return {};
}

Result<void> map_ids(int mount, int user_namespace, bool recursive) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(user_namespace);
  if (::mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes) == 0) return {};
  if (errno == EINVAL) return error(ErrorKind::unsupported, "its ids can not be mapped: the file system does not support it on this kernel");
  if (errno == EPERM) return error(ErrorKind::denied, "its ids can not be mapped: they are already, or the file system is another user namespace's");
  return os_error(errno, "mapping its ids");
}

}  // namespace wherry::sandbox
