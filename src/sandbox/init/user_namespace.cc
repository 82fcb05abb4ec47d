// SPDX-License-Identifier: Apache-2.0
// An init's way into a user namespace. The process is the host's root until it has
// all that only root can get: the namespaces that it joins, the host's directories
// that become mounts, the maps. Then it enters, makes the other new namespaces, so
// that they belong to the user namespace, and forks, since only a child can be the
// first of a new pid namespace. It was executed as the host's root and is not
// dumpable, which makes its memory the host's for good: root of the user namespace
// can not trace it.
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/init/steps.h"
#include "sandbox/namespace_flags.h"
#include "sandbox/user_namespace.h"

namespace wherry::sandbox {
namespace {

Result<UniqueFd> open_user_namespace(const Linux& spec, const std::string& path) {
  if (path.empty()) return make_user_namespace({spec.uidMappings, spec.gidMappings});
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return os_error(errno, "namespace " + path);
  if (::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWUSER) return error(ErrorKind::invalid, "namespace " + path + " is no user namespace");
  return fd;
}

// One that was joined has the maps that the specification says, if it says any:
// volumes and the root file system were given to those ids.
Result<void> check_maps(InitContext& context) {
  IdMaps real = TRY(own_id_maps());
  IdMaps said{context.spec.linux_.uidMappings, context.spec.linux_.gidMappings};
  for (IdMaps* maps : {&real, &said}) {
    std::ranges::sort(maps->uids);
    std::ranges::sort(maps->gids);
  }
  if (!said.empty() && said != real) return error(ErrorKind::denied, "the user namespace has other ids than uidMappings and gidMappings say");
  if (host_id(real.uids, 0) == 0u) context.warn("uidMappings: root of the container is root of the host");
  return {};
}

uint64_t new_namespaces(const Linux& spec) {
  uint64_t flags = clone_flags(spec) & ~uint64_t{CLONE_NEWUSER};
  const Namespace* const cgroup = spec.find(NamespaceType::cgroup);
  if (cgroup && cgroup->path.empty()) flags |= CLONE_NEWCGROUP;
  return flags;
}

}  // namespace

Result<void> become_root() {
  if (::syscall(SYS_setgroups, 0, nullptr) != 0) return os_error(errno, "setgroups");
  if (::syscall(SYS_setresgid, 0, 0, 0) != 0) return os_error(errno, "group 0 of the user namespace");
  if (::syscall(SYS_setresuid, 0, 0, 0) != 0) return os_error(errno, "user 0 of the user namespace");
  // The change of user has undone both.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return os_error(errno, "PR_SET_PDEATHSIG");
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return os_error(errno, "PR_SET_DUMPABLE");
  return {};
}

Result<void> enter_user_namespace(InitContext& context) {
  const Linux& spec = context.spec.linux_;
  const std::string& path = spec.find(NamespaceType::user)->path;
  context.user_namespace = TRY(open_user_namespace(spec, path));
  TRY(open_trees(context));
  // What leads there may be closed to the user namespace.
  if (::chdir(context.message.rootfs.c_str()) != 0) return os_error(errno, context.message.rootfs);
  if (::setns(context.user_namespace.get(), CLONE_NEWUSER) != 0) return os_error(errno, "cannot join user namespace " + path);
  context.user_namespace.reset();
  TRY(become_root());
  TRY(check_maps(context));
  if (::unshare(static_cast<int>(new_namespaces(spec))) != 0) return os_error(errno, "new namespaces");
  return enter_pid_namespace(context);
}

}  // namespace wherry::sandbox
