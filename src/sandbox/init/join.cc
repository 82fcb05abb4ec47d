// SPDX-License-Identifier: Apache-2.0
// An exec's way into a container. The container is hostile and may hold processes
// that can trace others, so nothing that it could see or reach has more than it:
// the process joins every namespace but the pid namespace, where nobody in the
// container can see it, drops its privileges there, and only then forks a child
// into the pid namespace (CVE-2016-9962). It has no descriptor of the host's file
// systems, and its root and directory are the container's (CVE-2024-21626).
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/init/steps.h"
#include "sandbox/pidfd.h"
#include "sandbox/root_path.h"

namespace wherry::sandbox {

Result<void> join_container(const InitContext& context) {
  const UniqueFd init(kInitPidFd);
  // All at once, and by a descriptor: a number could be another process by now.
  // Root and working directory become those of the mount namespace; the pid
  // namespace is that of children.
  constexpr int kAll = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWPID;
  const bool user = context.has_user_namespace();
  if (::setns(init.get(), user ? kAll | CLONE_NEWUSER : kAll) == 0) return user ? become_root() : Result<void>();
  if (errno == ESRCH) return error(ErrorKind::failed_precondition, "the container's init has finished");
  return os_error(errno, "cannot join the container's namespaces");
}

Result<void> enter_directory(const InitContext& context, int root) {
  const std::string& cwd = context.spec.process.cwd;
  auto directory = open_in_root(root, cwd, O_PATH | O_DIRECTORY);
  if (!directory) return error(directory.error().kind, "cwd " + directory.error().message);
  if (::fchdir(directory->get()) != 0) return os_error(errno, "cwd " + cwd);
  return {};
}

Result<void> enter_pid_namespace(InitContext& context) {
  const pid_t child = ::fork();
  if (child < 0) return os_error(errno, "cannot fork into the container's pid namespace");
  if (child > 0) {
    const UniqueFd pidfd(open_pidfd(child));
    if (pidfd) (void)say(kControlFd, Say::forked, std::to_string(child), pidfd.get());
    ::_exit(pidfd ? 0 : 1);
  }
  if (::setsid() < 0) return os_error(errno, "setsid");
  const std::string answer = TRY(hear(kControlFd, &context.label_file));
  if (answer.empty() || answer[0] != static_cast<char>(Say::go)) return error(ErrorKind::unavailable, "the shim is gone");
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return os_error(errno, "PR_SET_PDEATHSIG");
  return {};
}

}  // namespace wherry::sandbox
