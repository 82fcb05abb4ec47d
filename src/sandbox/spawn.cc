// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace wherry::sandbox {
namespace {

constexpr size_t kStackSize = 64 << 10;

// What the child reads and writes: it shares this memory until it executes.
struct Child {
  const SpawnConfig* config;
  char* const* environment;
  const char* failed = nullptr;  // the step
  int error = 0;
};

[[noreturn]] void fail(Child& child, const char* step) {
  child.failed = step;
  child.error = errno;
  ::_exit(127);
}

// Runs on its own stack in a copy of the calling thread that shares all memory
// with a multi-threaded process: only system calls, no allocation, no locks. The
// exec at the end gives the process memory of its own.
[[noreturn]] void child_main(Child& child) {
  const SpawnConfig& config = *child.config;
  // The whole process is this one thread, so moving "0" by `tasks` is the same as
  // by `cgroup.procs`, without the global lock that costs a grace period of RCU.
  for (const int file : config.tasks) {
    if (::write(file, "0", 1) != 1) fail(child, "joining the cgroup");
  }
  if (::setsid() < 0) fail(child, "setsid");
  // Entered by the exec: clone3 can not make one for a process that shares memory.
  if ((config.namespaces & CLONE_NEWTIME) != 0 && ::syscall(SYS_unshare, CLONE_NEWTIME) != 0)
    fail(child, "making a time namespace");
  int number = 0;
  for (const int fd : config.fds) {
    if (::dup2(fd, number++) < 0) fail(child, "dup2");
  }
  if (::syscall(SYS_close_range, number, ~0u, CLOSE_RANGE_CLOEXEC) != 0) fail(child, "close_range");
  ::syscall(SYS_execveat, config.exe, "", config.argv, child.environment, AT_EMPTY_PATH);
  fail(child, "execveat");
}

// clone3 on a new stack: the child continues in child_main(), the parent gets what
// the system call returns. glibc has no wrapper, and returning to the caller's
// frame from both processes would let one overwrite the other's.
#if defined(__x86_64__)
long clone3_to_child(clone_args* args, Child* child) {
  long result;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %[child], %%rdi\n\t"
      "call *%[entry]\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "0"(long{SYS_clone3}), "D"(args), "S"(sizeof *args), [child] "r"(child), [entry] "r"(&child_main)
      : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
long clone3_to_child(clone_args* args, Child* child) {
  register long x0 asm("x0") = reinterpret_cast<long>(args);
  register long x1 asm("x1") = sizeof *args;
  register long x8 asm("x8") = SYS_clone3;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, %[child]\n\t"
      "blr %[entry]\n\t"
      "brk #0\n"
      "1:"
      : "+r"(x0)
      : "r"(x1), "r"(x8), [child] "r"(child), [entry] "r"(&child_main)
      : "memory", "cc");
  return x0;
}
#endif

}  // namespace

Result<Spawned> spawn(const SpawnConfig& config) {
  char* const no_environment[] = {nullptr};
  Child child{.config = &config, .environment = no_environment};
  void* const stack = ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return os_error(errno, "cannot allocate a stack");

  int pidfd = -1;
  clone_args args{};
  // CLONE_CLEAR_SIGHAND: no handler of this program may run in the child.
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.flags |= config.namespaces & ~uint64_t{CLONE_NEWTIME};
  if (config.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(config.cgroup);
  }
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<uint64_t>(stack);
  args.stack_size = kStackSize;

  // Blocked across the exec too: the new program unblocks when it has its own.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const long pid = clone3_to_child(&args, &child);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::munmap(stack, kStackSize);
  if (pid < 0) return os_error(static_cast<int>(-pid), "cannot make a process (clone3)");

  Spawned spawned{.pid = static_cast<int>(pid), .pidfd = UniqueFd(pidfd)};
  if (child.failed == nullptr) return spawned;
  siginfo_t info;
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED);
  return os_error(child.error, std::string("cannot start the container's process: ") + child.failed);
}

}  // namespace wherry::sandbox
