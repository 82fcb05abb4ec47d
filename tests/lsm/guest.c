// SPDX-License-Identifier: Apache-2.0
// Tries what its arguments say, two by two, and prints how each went:
//   guest.wasm write /a read /b wait 1000
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int try_write(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT, 0644);
  if (fd < 0) return errno;
  const int failure = write(fd, "x", 1) == 1 ? 0 : errno;
  close(fd);
  return failure;
}

static int try_read(const char* path) {
  char byte;
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return errno;
  const int failure = read(fd, &byte, 1) >= 0 ? 0 : errno;
  close(fd);
  return failure;
}

static int rest(const char* seconds) {
  const struct timespec time = {atoi(seconds), 0};
  return nanosleep(&time, NULL) == 0 ? 0 : errno;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    int (*const attempt)(const char*) = !strcmp(argv[i], "write") ? try_write : !strcmp(argv[i], "read") ? try_read : rest;
    if (attempt == rest) printf("waiting\n");
    fflush(stdout);
    const int failure = attempt(argv[i + 1]);
    printf("%s %s: %s\n", argv[i], argv[i + 1], failure ? strerror(failure) : "done");
  }
  return 0;
}
