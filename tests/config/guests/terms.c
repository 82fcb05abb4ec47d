// SPDX-License-Identifier: Apache-2.0
// Tries what a container's settings may forbid: `terms.wasm WHAT [ARGUMENTS]`.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

// WasmEdge's socket interface.
#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
struct bytes {
  const void* data;
  uint32_t size;
};
IMPORT("sock_open") int sock_open(int family, int type, int* fd);
IMPORT("sock_connect") int sock_connect(int fd, struct bytes* address, int port);
IMPORT("sock_bind") int sock_bind(int fd, struct bytes* address, int port);
enum { INET4 = 1, STREAM = 2 };

static int say(const char* what, int code) {
  printf("%s: %s\n", what, code == 0 ? "ok" : strerror(code));
  return 0;
}

static int open_and(int (*act)(int, struct bytes*, int), char** argv) {
  uint8_t ip[4];
  unsigned a, b, c, d;
  if (sscanf(argv[0], "%u.%u.%u.%u", &a, &b, &c, &d) != 4) return -1;
  ip[0] = (uint8_t)a, ip[1] = (uint8_t)b, ip[2] = (uint8_t)c, ip[3] = (uint8_t)d;
  struct bytes address = {ip, 4};
  int fd = -1;
  int code = sock_open(INET4, STREAM, &fd);
  if (code == 0) code = act(fd, &address, atoi(argv[1]));
  if (fd >= 0) close(fd);
  return code;
}

static int do_connect(int argc, char** argv) { return argc < 2 ? 2 : say("connect", open_and(sock_connect, argv)); }
static int do_bind(int argc, char** argv) { return argc < 2 ? 2 : say("bind", open_and(sock_bind, argv)); }

// ADDRESS PORT TIMES
static int flood(int argc, char** argv) {
  if (argc < 3) return 2;
  int denied = 0;
  for (int i = 0; i < atoi(argv[2]); i++) denied += open_and(sock_connect, argv) == EACCES;
  printf("denied %d times\n", denied);
  return 0;
}

static int read_file(int argc, char** argv) {
  char text[256];
  const int fd = argc < 1 ? -1 : open(argv[0], O_RDONLY);
  const ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (size < 0) return say(argv[0], errno);
  return write(1, text, (size_t)size) == size ? 0 : 1;
}

static int write_file(int argc, char** argv) {
  const int fd = argc < 1 ? -1 : open(argv[0], O_WRONLY | O_CREAT, 0644);
  return say(argv[0], fd < 0 || write(fd, "x", 1) != 1 ? errno : 0);
}

static int env(int argc, char** argv) {
  (void)argc, (void)argv;
  for (char** e = environ; *e; e++) puts(*e);
  return 0;
}

static void* volatile touched;

static int take_all(void) {
  for (int i = 0;; i++) {
    char* memory = malloc(1 << 20);
    if (!memory) return i;
    memset(memory, 1, 1 << 20);
    touched = memory;
  }
}

// Takes memory until there is no more, and gives up as most programs do.
static int gulp(int argc, char** argv) {
  (void)argc, (void)argv;
  fprintf(stderr, "gulped %d MiB\n", take_all());
  __builtin_trap();
}

static int sip(int argc, char** argv) {
  (void)argc, (void)argv;
  printf("had %d MiB\n", take_all());
  return 3;
}

__attribute__((noinline)) static int depth(volatile int* count, int n) {
  ++*count;
  const int below = n == 0 ? 0 : depth(count, n - 1);
  return below + *count;  // after the call, so that it is no loop
}

static int recurse(int argc, char** argv) {
  volatile int count = 0;
  (void)depth(&count, argc < 1 ? 0 : atoi(argv[0]));
  printf("%d deep\n", count);
  return 0;
}

static int nap(int argc, char** argv) {
  (void)argc, (void)argv;
  puts("sleeping");
  struct timespec time = {3600, 0};
  nanosleep(&time, NULL);
  return 0;
}

// Waits for a file to appear, and traps with all its memory to spare.
static int trap_at(int argc, char** argv) {
  while (argc > 0 && access(argv[0], F_OK) != 0) nanosleep(&(struct timespec){0, 20000000}, NULL);
  __builtin_trap();
}

static const struct {
  const char* name;
  int (*run)(int, char**);
} kCommands[] = {{"connect", do_connect}, {"bind", do_bind}, {"flood", flood}, {"read", read_file}, {"write", write_file}, {"env", env},
                 {"gulp", gulp},          {"sip", sip},      {"recurse", recurse}, {"sleep", nap},     {"trap-at", trap_at}};

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t i = 0; argc > 1 && i < sizeof kCommands / sizeof *kCommands; i++) {
    if (strcmp(argv[1], kCommands[i].name) == 0) return kCommands[i].run(argc - 2, argv + 2);
  }
  return 2;
}
