// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "abi/cpu.h"
#include "base/fd.h"
#include "cli/doctor/finding.h"

namespace wherry::cli {
namespace {

void check_openat2(Findings& findings) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how)));
  if (fd) return findings.ok("openat2");
  findings.problem("no openat2: paths of guests can not be resolved safely",
                   "use Linux 5.6 or later, or a seccomp profile that allows openat2");
}

void check_landlock(Findings& findings) {
  constexpr int kUseful = 2;
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version >= kUseful) return findings.ok("Landlock ABI " + std::to_string(version));
  findings.note("no Landlock of ABI 2: containers lack a second layer of protection",
                "use Linux 5.19 or later with `landlock` in its lsm= list");
}

void check_seccomp(Findings& findings) {
  // A filter that can not be read: EFAULT if there are filters at all.
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) != 0 && errno == EFAULT)
    return findings.ok("seccomp filters");
  findings.problem("no seccomp filters", "use a kernel with CONFIG_SECCOMP_FILTER");
}

void check_pidfd(Findings& findings) {
  const UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (fd) return findings.ok("pidfd");
  findings.problem("no pidfd_open: the shim can not wait for containers", "use Linux 5.3 or later");
}

void check_pagemap_scan(Findings& findings) {
#ifdef PAGEMAP_SCAN
  using ScanArguments = pm_scan_arg;
  constexpr unsigned long kScan = PAGEMAP_SCAN;
#else
  struct ScanArguments {
    uint64_t fields[12];
  };
  constexpr unsigned long kScan = _IOWR('f', 16, ScanArguments);
#endif
  static_assert(sizeof(ScanArguments) == 96);
  ScanArguments arguments{};
  const UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  // An argument of the wrong size is EINVAL where the request exists, ENOTTY where not.
  if (pagemap && ::ioctl(pagemap.get(), kScan, &arguments) != 0 && errno != ENOTTY) return findings.ok("PAGEMAP_SCAN");
  findings.note("no PAGEMAP_SCAN: instances are reset by unmapping", "use Linux 6.7 or later for faster resets");
}

void check_address_space(Findings& findings) {
  constexpr size_t kReservation = size_t{16} << 30;  // some memories with their guards
  void* const base = ::mmap(nullptr, kReservation, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return findings.problem("16 GiB of address space can not be reserved",
                            "raise `ulimit -v`, or set vm.overcommit_memory to 0");
  ::munmap(base, kReservation);
  findings.ok("address space for memories");
}

void check_namespaces(Findings& findings) {
  std::string missing;
  for (const char* name : {"mnt", "pid", "net", "ipc", "uts", "cgroup"})
    if (::access(("/proc/self/ns/" + std::string(name)).c_str(), F_OK) != 0) missing += std::string(" ") + name;
  if (missing.empty()) return findings.ok("namespaces");
  findings.problem("no namespaces of the kind" + missing, "use a kernel with CONFIG_NAMESPACES, and a mounted /proc");
}

void check_processor(Findings& findings) {
  if (!abi::host_cpu_has_floor())
    return findings.problem("the processor has no SSE4.1: compiled code does not run",
                            "use a processor from 2008 or later");
  const std::string names = abi::cpu_feature_names(abi::host_cpu_features());
  if (!(abi::host_cpu_features() & abi::bit(abi::Cpu::avx2)))
    return findings.note("processor without AVX2 (it has " + names + "): vectors are slower",
                         "nothing, or another processor");
  findings.ok("processor with " + names);
}

}  // namespace

std::vector<Finding> check_kernel() {
  Findings findings;
  utsname name;
  if (::uname(&name) == 0) findings.ok(std::string("Linux ") + name.release);
  check_processor(findings);
  check_openat2(findings);
  check_landlock(findings);
  check_seccomp(findings);
  check_pidfd(findings);
  check_namespaces(findings);
  check_address_space(findings);
  check_pagemap_scan(findings);
  return findings.take();
}

}  // namespace wherry::cli
