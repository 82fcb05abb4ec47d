// SPDX-License-Identifier: Apache-2.0
// Prints the system call filter of a guest's process as C++ array elements. Run by
// the build, so that a container start spends nothing on compiling it and the
// programs need no libseccomp.
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {

[[noreturn]] void fail(const char* what, int code) {
  std::fprintf(stderr, "make_filter: %s: error %d\n", what, code);
  std::exit(1);
}

void check(int code, const char* what) {
  if (code != 0) fail(what, -code);
}

void allow_when(scmp_filter_ctx filter, int call, scmp_arg_cmp condition) {
  check(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition), "conditional rule");
}

// The rules of one call are alternatives.
void add_conditional(scmp_filter_ctx filter) {
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    allow_when(filter, call, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  }
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    allow_when(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, static_cast<uint64_t>(family)));
  }
  // A thread, and no namespace of its own. clone3 keeps its flags in memory, where
  // a filter can not see them: ENOSYS makes glibc use clone.
  constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                      CLONE_NEWPID | CLONE_NEWNET;
  allow_when(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, kNewNamespaces | CLONE_THREAD, CLONE_THREAD));
  check(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0), "clone3");
  for (const unsigned long request : {FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ}) {
    allow_when(filter, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, request));
  }
  for (const int command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL}) {
    allow_when(filter, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, static_cast<uint64_t>(command)));
  }
  for (const int option : {PR_SET_NAME, PR_SET_VMA}) {
    allow_when(filter, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, static_cast<uint64_t>(option)));
  }
  // To read a limit of its own, not to set one.
  allow_when(filter, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0));
}

void print(scmp_filter_ctx filter) {
  const int file = ::memfd_create("filter", 0);
  check(seccomp_export_bpf(filter, file), "export");
  ::lseek(file, 0, SEEK_SET);
  sock_filter instruction;
  while (::read(file, &instruction, sizeof instruction) == sizeof instruction) {
    std::printf("{0x%x, %u, %u, 0x%x},\n", instruction.code, instruction.jt, instruction.jf, instruction.k);
  }
}

}  // namespace

int main() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (!filter) fail("seccomp_init", ENOMEM);
  check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "bad architecture");
  check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree");
#define ALLOW(name)                                                                                     \
  if (const int number = SCMP_SYS(name); number >= 0) {                                                 \
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0), #name);                                  \
  }
#include "sandbox/filter/syscall.def"
#undef ALLOW
  add_conditional(filter);
  print(filter);
  seccomp_release(filter);
}
