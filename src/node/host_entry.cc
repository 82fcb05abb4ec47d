// SPDX-License-Identifier: Apache-2.0
#include "node/host_entry.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/fd.h"

namespace wherry::node {
namespace {

bool is_root_of_init(const std::string& root) {
  struct stat theirs, ours, init;
  return ::stat(root.c_str(), &ours) == 0 && ::stat("/proc/1/root", &init) == 0 && ::stat("/", &theirs) == 0 &&
         ours.st_dev == init.st_dev && ours.st_ino == init.st_ino &&
         (theirs.st_dev != init.st_dev || theirs.st_ino != init.st_ino);
}

}  // namespace

Result<void> enter_host(const std::string& root) {
  // A container's own PATH leads nowhere on the machine.
  if (::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1) != 0)
    return os_error(errno, "setenv");
  if (is_root_of_init(root)) {
    const UniqueFd mounts(::open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC));
    if (!mounts) return os_error(errno, "/proc/1/ns/mnt");
    if (::setns(mounts.get(), CLONE_NEWNS) != 0) return os_error(errno, "joining the machine's mounts");
    return {};
  }
  if (::chroot(root.c_str()) != 0 || ::chdir("/") != 0) return os_error(errno, root);
  return {};
}

}  // namespace wherry::node
