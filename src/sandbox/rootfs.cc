// SPDX-License-Identifier: Apache-2.0
#include "sandbox/rootfs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "sandbox/attach.h"
#include "sandbox/mount_options.h"
#include "sandbox/root_path.h"

namespace wherry::sandbox {
namespace {

constexpr size_t kMaxData = 4095;  // mount(2) takes one page
constexpr std::string_view kLower = "lowerdir=";

std::string joined(const std::vector<std::string>& options) {
  std::string data;
  for (const std::string& option : options) data.append(data.empty() ? "" : ",").append(option);
  return data;
}

// An image of many layers has a lowerdir longer than mount(2) takes: each layer is
// opened and named by its descriptor, in `layers`, which must stay open until the
// mount is made.
Result<void> shorten_layers(std::vector<std::string>& options, std::vector<UniqueFd>& layers) {
  for (std::string& option : options) {
    if (!option.starts_with(kLower)) continue;
    std::string shorter(kLower);
    for (size_t begin = kLower.size(); begin <= option.size();) {
      const size_t end = std::min(option.find(':', begin), option.size());
      const std::string layer = option.substr(begin, end - begin);
      const UniqueFd& fd = layers.emplace_back(::open(layer.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!fd) return os_error(errno, layer);
      shorter.append(begin == kLower.size() ? "" : ":").append("/proc/self/fd/" + std::to_string(fd.get()));
      begin = end + 1;
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

Result<void> mount_one(const RootfsMount& mount, const std::string& rootfs) {
  const MountOptions options = TRY(parse_mount_options(mount.options));
  const UniqueFd root(::open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root) return os_error(errno, rootfs);
  UniqueFd below;
  if (!mount.target.empty()) below = TRY(make_directory_in_root(root.get(), mount.target));
  const int target = below ? below.get() : root.get();
  if (!options.bind && mount.type != "bind") return mount_file_system(mount, options, target);
  const UniqueFd tree = TRY(clone_mount(AT_FDCWD, mount.source, options));
  return attach_mount(tree.get(), target, options);
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
