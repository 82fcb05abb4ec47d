// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/attach.h"
#include "sandbox/init/steps.h"
#include "sandbox/root_path.h"

namespace wherry::sandbox {
namespace {

struct Node {
  const char* name;
  unsigned major, minor;
};

constexpr Node kNodes[] = {
    {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

constexpr std::pair<const char*, const char*> kLinks[] = {
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},         {"core", "/proc/kcore"},
};

// A bind mount of the host's /dev has everything, and is not ours to change.
bool has_hosts_dev(const Spec& spec) {
  for (const SpecMount& mount : spec.mounts) {
    if (mount.destination != "/dev" && mount.destination != "/dev/") continue;
    if (mount.type == "bind") return true;
    for (const std::string& option : mount.options) {
      if (option == "bind" || option == "rbind") return true;
    }
  }
  return false;
}

// The mode is not subject to the umask, which is 0 during all of this.
Result<void> make_node(int directory, const std::string& name, mode_t mode, dev_t number) {
  if (::mknodat(directory, name.c_str(), mode, number) == 0 || errno == EEXIST) return {};
  return os_error(errno, "device /dev/" + name);
}

// A user namespace can make no device, only show one of the host's: with the owner
// and the mode that it has there.
Result<void> bind_node(int root, const std::string& path, mode_t type, dev_t number) {
  const UniqueFd node(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (!node || ::fstat(node.get(), &info) != 0) return os_error(errno, "device " + path + " of the host");
  if ((info.st_mode & S_IFMT) != type || info.st_rdev != number) {
    return error(ErrorKind::invalid, "device " + path + ": the host has another one there, and a user namespace can not make one");
  }
  const UniqueFd tree = TRY(clone_mount(node.get(), "", {}));
  const UniqueFd target = TRY(make_file_in_root(root, path));
  return attach_mount(tree.get(), target.get(), {});
}

Result<void> make_spec_device(const Device& device, bool bind, int root) {
  const mode_t type = device.type == 'b' ? S_IFBLK : device.type == 'p' ? S_IFIFO : S_IFCHR;
  const dev_t number = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
  if (bind && type != S_IFIFO) return bind_node(root, device.path, type, number);
  const size_t slash = device.path.rfind('/');
  const UniqueFd parent = TRY(make_directory_in_root(root, device.path.substr(0, slash + 1)));
  const std::string name = device.path.substr(slash + 1);
  TRY(make_node(parent.get(), name, type | (device.fileMode & 07777), number));
  if (::fchownat(parent.get(), name.c_str(), device.uid, device.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return os_error(errno, "device " + device.path);
  }
  return {};
}

}  // namespace

Result<void> make_devices(const InitContext& context, int root) {
  if (has_hosts_dev(context.spec)) return {};
  const bool bind = context.has_user_namespace();
  const UniqueFd dev = TRY(make_directory_in_root(root, "/dev"));
  for (const Node& node : kNodes) {
    const dev_t number = makedev(node.major, node.minor);
    TRY(bind ? bind_node(root, std::string("/dev/") + node.name, S_IFCHR, number) : make_node(dev.get(), node.name, S_IFCHR | 0666, number));
  }
  for (const auto& [name, target] : kLinks) {
    if (::symlinkat(target, dev.get(), name) != 0 && errno != EEXIST) {
      return os_error(errno, std::string("/dev/") + name);
    }
  }
  for (const Device& device : context.spec.linux_.devices) TRY(make_spec_device(device, bind, root));
  return {};
}

}  // namespace wherry::sandbox
