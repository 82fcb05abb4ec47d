// SPDX-License-Identifier: Apache-2.0
#include "sandbox/rootfs.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/fd.h"
#include "sandbox/attach.h"
#include "sandbox/mount_options.h"
#include "sandbox/root_path.h"
#include "sandbox/user_namespace.h"

namespace wherry::sandbox {
namespace {

constexpr size_t kMaxData = 4095;  // mount(2) takes one page
constexpr std::string_view kLower = "lowerdir=";

std::string joined(const std::vector<std::string>& options) {
  std::string data;
  for (const std::string& option : options) data.append(data.empty() ? "" : ",").append(option);
  return data;
}

std::vector<std::string> layers_of(std::string_view option) {
  std::vector<std::string> layers;
  for (size_t begin = kLower.size(); begin <= option.size();) {
    const size_t end = std::min(option.find(':', begin), option.size());
    layers.emplace_back(option.substr(begin, end - begin));
    begin = end + 1;
  }
  return layers;
}

// An image of many layers has a lowerdir longer than mount(2) takes: each layer is
// opened and named by its descriptor, in `layers`, which must stay open until the
// mount is made.
Result<void> shorten_layers(std::vector<std::string>& options, std::vector<UniqueFd>& layers) {
  for (std::string& option : options) {
    if (!option.starts_with(kLower)) continue;
    std::string shorter(kLower);
    for (const std::string& layer : layers_of(option)) {
      const UniqueFd& fd = layers.emplace_back(::open(layer.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!fd) return os_error(errno, layer);
      shorter.append(shorter.ends_with('=') ? "" : ":").append("/proc/self/fd/" + std::to_string(fd.get()));
    }
    option = shorter;
  }
  return {};
}

Result<void> mount_file_system(const RootfsMount& mount, MountOptions options, int target) {
  std::vector<UniqueFd> layers;
  std::string data = joined(options.file_system);
  if (data.size() > kMaxData) {
    TRY(shorten_layers(options.file_system, layers));
    data = joined(options.file_system);
    if (data.size() > kMaxData) {
      return error(ErrorKind::exhausted, mount.type + ": options of " + std::to_string(data.size()) +
                                             " bytes, the kernel's limit is " + std::to_string(kMaxData));
    }
  }
  const std::string place = "/proc/self/fd/" + std::to_string(target);
  if (::mount(mount.source.c_str(), place.c_str(), mount.type.c_str(), mount_flags(options), data.c_str()) != 0) {
    return os_error(errno, mount.type + " of " + mount.source + " (" + data + ")");
  }
  return {};
}

Result<UniqueFd> open_target(const RootfsMount& mount, const std::string& rootfs) {
  UniqueFd root(::open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root) return os_error(errno, rootfs);
  if (mount.target.empty()) return root;
  return make_directory_in_root(root.get(), mount.target);
}

Result<void> mount_plain(const RootfsMount& mount, const std::string& rootfs) {
  const MountOptions options = TRY(parse_mount_options(mount.options));
  const UniqueFd target = TRY(open_target(mount, rootfs));
  if (!options.bind && mount.type != "bind") return mount_file_system(mount, options, target.get());
  const UniqueFd tree = TRY(clone_mount(AT_FDCWD, mount.source, options));
  return attach_mount(tree.get(), target.get(), options);
}

// Takes containerd's two options from the list.
Result<IdMaps> take_id_maps(RootfsMount& mount) {
  IdMaps maps;
  std::vector<std::string> others;
  for (const std::string& option : mount.options) {
    const bool uids = option.starts_with("uidmap=");
    if (!uids && !option.starts_with("gidmap=")) {
      others.push_back(option);
    } else {
      (uids ? maps.uids : maps.gids) = TRY(parse_id_mappings(std::string_view(option).substr(option.find('=') + 1)));
    }
  }
  mount.options = std::move(others);
  return maps;
}

Result<void> map_layers(const RootfsMount& mount, int user_namespace) {
  for (const std::string& option : mount.options) {
    if (!option.starts_with(kLower)) continue;
    for (const std::string& layer : layers_of(option)) {
      const UniqueFd tree = TRY(clone_mount(AT_FDCWD, layer, {.set = MOUNT_ATTR_RDONLY}));
      auto mapped = map_ids(tree.get(), user_namespace, false);
      if (!mapped) return error(mapped.error().kind, layer + ": " + mapped.error().message);
      const UniqueFd place(::open(layer.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!place) return os_error(errno, layer);
      TRY(attach_mount(tree.get(), place.get(), {}));
    }
  }
  return {};
}

// The mount, made in a mount namespace of the calling thread's own: nobody sees, or
// has to take away after a crash, the mapped layers that overlayfs finds by path.
Result<UniqueFd> make_mapped(const RootfsMount& mount, int user_namespace, const std::string& rootfs) {
  if (::unshare(CLONE_NEWNS) != 0) return os_error(errno, "new mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return os_error(errno, "new mount namespace");
  const bool overlay = mount.type == "overlay";
  if (overlay) TRY(map_layers(mount, user_namespace));
  TRY(mount_plain(mount, rootfs));
  const UniqueFd made = TRY(open_target(mount, rootfs));
  UniqueFd tree = TRY(clone_mount(made.get(), "", {.recursive_bind = true}));
  if (!overlay) TRY(map_ids(tree.get(), user_namespace, true));
  return tree;
}

Result<void> mount_one(RootfsMount mount, const std::string& rootfs) {
  const IdMaps maps = TRY(take_id_maps(mount));
  if (maps.empty()) return mount_plain(mount, rootfs);
  const UniqueFd users = TRY(make_user_namespace(maps));
  Result<UniqueFd> tree = UniqueFd();
  std::thread([&] { tree = make_mapped(mount, users.get(), rootfs); }).join();
  const UniqueFd made = TRY(std::move(tree));
  const UniqueFd target = TRY(open_target(mount, rootfs));
  return attach_mount(made.get(), target.get(), {});
}

}  // namespace

Result<void> mount_rootfs(const std::vector<RootfsMount>& mounts, const std::string& rootfs) {
  for (const RootfsMount& mount : mounts) {
    auto mounted = mount_one(mount, rootfs);
    if (mounted) continue;
    (void)unmount_rootfs(rootfs);
    Error failure = std::move(mounted).error();
    failure.message = "cannot mount the root file system: " + failure.message;
    return failure;
  }
  return {};
}

Result<void> unmount_rootfs(const std::string& rootfs) {
  constexpr int kMaxLayers = 1024;
  for (int i = 0; i < kMaxLayers; ++i) {
    if (::umount2(rootfs.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return {};
    return os_error(errno, "cannot unmount " + rootfs);
  }
  return error(ErrorKind::exhausted, "cannot unmount " + rootfs + ": too many mounts");
}

}  // namespace wherry::sandbox
