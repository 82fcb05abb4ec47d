// SPDX-License-Identifier: Apache-2.0
#include "baseline/sandbox.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include <cerrno>
#include <memory>

namespace wherry::baseline {
namespace {

constexpr int kAllowed[] = {
    SCMP_SYS(read),          SCMP_SYS(write),         SCMP_SYS(pread64),      SCMP_SYS(pwrite64),
    SCMP_SYS(writev),        SCMP_SYS(fstat),         SCMP_SYS(newfstatat),   SCMP_SYS(lseek),
    SCMP_SYS(close),         SCMP_SYS(mmap),          SCMP_SYS(munmap),       SCMP_SYS(mremap),
    SCMP_SYS(madvise),       SCMP_SYS(brk),           SCMP_SYS(futex),        SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),          SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(sched_yield),   SCMP_SYS(sched_getaffinity), SCMP_SYS(clock_gettime),
    SCMP_SYS(getrusage),     SCMP_SYS(gettid),        SCMP_SYS(getpid),       SCMP_SYS(tgkill),
    SCMP_SYS(exit),          SCMP_SYS(exit_group),    SCMP_SYS(restart_syscall), SCMP_SYS(prlimit64),
    SCMP_SYS(getrandom),     SCMP_SYS(sysinfo),
};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

}  // namespace

Result<void> lock_down() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return os_error(errno, "no_new_privs");
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // clone3 hides its flags from a filter: glibc falls back to clone when it is not there.
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return error(ErrorKind::unavailable, "the compiler's seccomp filter can not be made");
  int failed = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 0);
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 0);
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
  // Nothing becomes executable.
  failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0));
  for (const int call : kAllowed) failed |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  if (failed == 0) failed = seccomp_load(filter.get());
  if (failed < 0) return os_error(-failed, "the compiler's seccomp filter");
  return {};
}

}  // namespace wherry::baseline
