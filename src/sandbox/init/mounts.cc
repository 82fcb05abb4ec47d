// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/attach.h"
#include "sandbox/cgroup.h"
#include "sandbox/cgroup_files.h"
#include "sandbox/init/steps.h"
#include "sandbox/root_path.h"
#include "sandbox/user_namespace.h"

namespace wherry::sandbox {
namespace {

Error in_mount(const SpecMount& mount, Error failure) {
  failure.message = "mount " + mount.destination + ": " + failure.message;
  return failure;
}

bool is_bind(const SpecMount& mount, const MountOptions& options) { return options.bind || mount.type == "bind"; }

// Without maps of its own a mount gets the container's.
Result<void> map_mount(const InitContext& context, const SpecMount& mount, bool all, int tree) {
  const IdMaps wanted{mount.uidMappings, mount.gidMappings};
  const IdMaps containers{context.spec.linux_.uidMappings, context.spec.linux_.gidMappings};
  if (context.user_namespace && (wanted.empty() || wanted == containers)) return map_ids(tree, context.user_namespace.get(), all);
  if (wanted.empty()) return error(ErrorKind::invalid, "option `idmap` needs mappings or a user namespace");
  const UniqueFd made = TRY(make_user_namespace(wanted));
  return map_ids(tree, made.get(), all);
}

bool wants_map(const SpecMount& mount, const MountOptions& options) {
  return options.map_ids || !mount.uidMappings.empty() || !mount.gidMappings.empty();
}

Result<UniqueFd> open_bind(const InitContext& context, const SpecMount& mount, const MountOptions& options) {
  // The specification: a relative source is relative to the bundle.
  const std::string source = mount.source.starts_with('/') ? mount.source : context.message.bundle + "/" + mount.source;
  UniqueFd tree = TRY(clone_mount(AT_FDCWD, source, options));
  if (wants_map(mount, options)) TRY(map_mount(context, mount, options.map_all_ids, tree.get()));
  return tree;
}

Result<void> make_bind(const SpecMount& mount, MountOptions options, UniqueFd tree, int root) {
  struct stat info;
  if (::fstat(tree.get(), &info) != 0) return os_error(errno, mount.source);
  const UniqueFd target = S_ISDIR(info.st_mode) ? TRY(make_directory_in_root(root, mount.destination))
                                                : TRY(make_file_in_root(root, mount.destination));
  if (options.propagation.empty()) options.propagation.push_back(MS_PRIVATE | MS_REC);
  return attach_mount(tree.get(), target.get(), options);
}

// procfs and sysfs decide what the rest of a container may see of the kernel, so
// an image must not choose their place by a link.
bool needs_plain_path(const SpecMount& mount) { return mount.type == "proc" || mount.type == "sysfs"; }

// A file system whose files have labels, but no option for one.
Result<void> label_queues(const InitContext& context, int mount) {
  const std::string& label = context.spec.linux_.mountLabel;
  if (label.empty()) return {};
  const UniqueFd directory(::openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory && ::fsetxattr(directory.get(), "security.selinux", label.data(), label.size(), 0) == 0) return {};
  return os_error(errno, "mountLabel `" + label + "`");
}

Result<void> make_file_system(const InitContext& context, const SpecMount& mount, MountOptions options, int root) {
  // No native program runs in here that could need to write to them, and read-only
  // /proc/self/mem is closed even to an engine gone wrong.
  if (needs_plain_path(mount)) options.set |= MOUNT_ATTR_RDONLY;
  const bool queues = mount.type == "mqueue";
  // The kernel decides what the files of its own file systems are.
  if (!needs_plain_path(mount) && !queues) label_files(context, options);
  const UniqueFd target = TRY(make_directory_in_root(root, mount.destination));
  if (needs_plain_path(mount)) {
    auto plain = open_in_root(root, mount.destination, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    if (!plain) return error(ErrorKind::denied, "a symbolic link is in the way of " + mount.type);
  }
  auto made = new_mount(mount.type, mount.source, options);
  if (!made && mount.type == "sysfs" && made.error().kind == ErrorKind::denied) {
    // Not the owner of the network namespace: the host's view, read-only.
    MountOptions bind = options;
    bind.recursive_bind = true;
    bind.set_all |= MOUNT_ATTR_RDONLY;
    made = clone_mount(AT_FDCWD, "/sys", bind);
  }
  const UniqueFd tree = TRY(std::move(made));
  if (queues) TRY(label_queues(context, tree.get()));
  return attach_mount(tree.get(), target.get(), options);
}

// This process's cgroup in one hierarchy, from /proc/self/cgroup.
std::string own_cgroup(std::string_view lines, const CgroupHost::Hierarchy* hierarchy) {
  for (const std::string_view line : split_words(lines, "\n")) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    std::string_view name = line.substr(first + 1, second - first - 1);
    if (name.starts_with("name=")) name.remove_prefix(5);
    if (hierarchy ? !name.empty() && split_words(name, ",").front() == hierarchy->controllers.front() : name.empty()) {
      return std::string(line.substr(second + 1));
    }
  }
  return "/";
}

// Type `cgroup` means: this container's own cgroups, whichever version there is.
// With a cgroup namespace /proc/self/cgroup says "/", but the host's mounts still
// show the whole tree, so new instances are mounted, whose root is the namespace's.
Result<void> make_cgroup(const InitContext& context, const SpecMount& mount, const MountOptions& options, int root) {
  const CgroupHost host = TRY(CgroupHost::detect());
  const bool own_namespace = context.spec.linux_.find(NamespaceType::cgroup) != nullptr;
  const UniqueFd target = TRY(make_directory_in_root(root, mount.destination));
  const std::string cgroups = own_namespace ? "" : TRY(read_control("/proc/self/cgroup"));
  if (host.version == CgroupVersion::v2) {
    const UniqueFd tree = own_namespace ? TRY(new_mount("cgroup2", "cgroup", options))
                                        : TRY(clone_mount(AT_FDCWD, host.unified + own_cgroup(cgroups, nullptr), options));
    return attach_mount(tree.get(), target.get(), options);
  }
  MountOptions plain{.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, .file_system = {"mode=755"}};
  label_files(context, plain);
  const UniqueFd tmpfs = TRY(new_mount("tmpfs", "cgroup", plain));
  TRY(attach_mount(tmpfs.get(), target.get(), {}));
  for (const CgroupHost::Hierarchy& hierarchy : host.v1) {
    const std::string name = hierarchy.mountpoint.substr(hierarchy.mountpoint.rfind('/') + 1);
    const UniqueFd place = TRY(make_directory_in_root(tmpfs.get(), name));
    const std::string own = hierarchy.mountpoint + own_cgroup(cgroups, &hierarchy);
    MountOptions kernel = options;
    for (const std::string& controller : hierarchy.controllers) {
      if (controller == "systemd") kernel.file_system.push_back("none");
      kernel.file_system.push_back(controller == "systemd" ? "name=systemd" : controller);
    }
    const UniqueFd tree =
        own_namespace ? TRY(new_mount("cgroup", "cgroup", kernel)) : TRY(clone_mount(AT_FDCWD, own, options));
    TRY(attach_mount(tree.get(), place.get(), options));
    for (const std::string& controller : hierarchy.controllers) {
      if (controller != name) (void)::symlinkat(name.c_str(), tmpfs.get(), controller.c_str());
    }
  }
  return set_attributes(tmpfs.get(), options.set, options.clear, 0, false);
}

// `tree`: of open_trees(), if that was called.
Result<void> make_one(const InitContext& context, const SpecMount& mount, UniqueFd tree, int root) {
  const MountOptions options = TRY(parse_mount_options(mount.options));
  if (is_bind(mount, options)) {
    if (!tree) tree = TRY(open_bind(context, mount, options));
    return make_bind(mount, options, std::move(tree), root);
  }
  if (wants_map(mount, options)) return error(ErrorKind::invalid, "only ids of a bind mount can be mapped");
  if (mount.type == "cgroup" || mount.type == "cgroup2") return make_cgroup(context, mount, options, root);
  return make_file_system(context, mount, options, root);
}

}  // namespace

Result<void> open_trees(InitContext& context) {
  for (const SpecMount& mount : context.spec.mounts) {
    UniqueFd& tree = context.trees.emplace_back();
    const MountOptions options = TRY(parse_mount_options(mount.options));
    if (!is_bind(mount, options)) continue;
    auto opened = open_bind(context, mount, options);
    if (!opened) return in_mount(mount, std::move(opened).error());
    tree = std::move(*opened);
  }
  return {};
}

Result<void> make_mounts(InitContext& context, int root) {
  context.trees.resize(context.spec.mounts.size());
  for (size_t i = 0; i < context.trees.size(); ++i) {
    const SpecMount& mount = context.spec.mounts[i];
    auto made = make_one(context, mount, std::move(context.trees[i]), root);
    if (!made) return in_mount(mount, std::move(made).error());
  }
  return {};
}

}  // namespace wherry::sandbox
