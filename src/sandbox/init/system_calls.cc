// SPDX-License-Identifier: Apache-2.0
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "sandbox/init/steps.h"

namespace wherry::sandbox {
namespace {

// Made at build time from filter/syscall.def.
constexpr sock_filter kFilter[] = {
#include "sandbox/filter.inc"
};

}  // namespace

Result<void> restrict_system_calls() {
  const sock_fprog program{.len = static_cast<unsigned short>(std::size(kFilter)),
                           .filter = const_cast<sock_filter*>(kFilter)};
  // SPEC_ALLOW: a guest is not another tenant of this process, and the mitigation
  // would slow down all of it.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &program) != 0) return os_error(errno, "seccomp");
  return {};
}

}  // namespace wherry::sandbox
