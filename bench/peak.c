// SPDX-License-Identifier: Apache-2.0
// Runs a program and prints its peak memory in KiB on descriptor 3. A program that
// is started by a large process counts the memory of that one too.
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

extern char** environ;

int main(int argc, char** argv) {
  pid_t pid;
  int status;
  struct rusage usage;
  if (argc < 2 || posix_spawn(&pid, argv[1], NULL, NULL, argv + 1, environ) != 0) return 127;
  if (wait4(pid, &status, 0, &usage) != pid) return 127;
  dprintf(3, "%ld\n", usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
