// SPDX-License-Identifier: Apache-2.0
// The program of the cluster tests: `guest.wasm WHAT [ARGUMENTS]`.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WASMEDGE(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
struct address {
  const uint8_t* bytes;
  uint32_t length;
};
uint32_t sock_open(uint32_t family, uint32_t type, uint32_t* fd) WASMEDGE("sock_open");
uint32_t sock_bind(uint32_t fd, const struct address* address, uint32_t port) WASMEDGE("sock_bind");
uint32_t sock_listen(uint32_t fd, uint32_t backlog) WASMEDGE("sock_listen");
uint32_t sock_connect(uint32_t fd, const struct address* address, uint32_t port) WASMEDGE("sock_connect");

enum { kInet4 = 1, kStream = 2 };

static int failed(const char* what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  return 1;
}

static void rest(int milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, NULL);
}

static int copy(int from, int to) {
  char buffer[4096];
  ssize_t n;
  while ((n = read(from, buffer, sizeof buffer)) > 0) {
    if (write(to, buffer, (size_t)n) != n) return failed("write", errno);
  }
  return n < 0 ? failed("read", errno) : 0;
}

static int exit_with(char** argv) { return atoi(argv[0]); }

static int print_files(char** argv) {
  for (; *argv; argv++) {
    const int fd = open(*argv, O_RDONLY);
    if (fd < 0) return failed(*argv, errno);
    if (copy(fd, 1)) return 1;
    close(fd);
  }
  return 0;
}

static int print_variables(char** argv) {
  for (; *argv; argv++) printf("%s=%s\n", *argv, getenv(*argv) ? getenv(*argv) : "(unset)");
  return 0;
}

// PATH TEXT: appends a line.
static int append(char** argv) {
  const int fd = open(argv[0], O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd < 0) return failed(argv[0], errno);
  dprintf(fd, "%s\n", argv[1]);
  return close(fd) ? failed(argv[0], errno) : 0;
}

// PATH TEXT: appends the line for ever.
static int fill(char** argv) {
  const int fd = open(argv[0], O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd < 0) return failed(argv[0], errno);
  while (dprintf(fd, "%s\n", argv[1]) > 0) {
  }
  return failed("write", errno);
}

static int trap(char** argv) {
  (void)argv;
  __builtin_trap();
}

// MILLISECONDS [COUNT]: a number a line.
static int tick(char** argv) {
  const unsigned count = argv[1] ? (unsigned)atoi(argv[1]) : ~0u;
  for (unsigned i = 0; i < count; i++) {
    printf("%u\n", i);
    fflush(stdout);
    rest(atoi(argv[0]));
  }
  return 0;
}

// FILE MILLISECONDS COUNT CODE: a number a line; the file tells how many were written.
static int count(char** argv) {
  const int fd = open(argv[0], O_WRONLY | O_CREAT, 0666);
  if (fd < 0) return failed(argv[0], errno);
  for (int i = 0; i < atoi(argv[2]); i++) {
    char text[16];
    const int size = snprintf(text, sizeof text, "%d\n", i);
    if (write(1, text, (size_t)size) != size) return failed("write", errno);
    if (pwrite(fd, text, (size_t)size, 0) != size) return failed("pwrite", errno);
    rest(atoi(argv[1]));
  }
  return atoi(argv[3]);
}

static int nap(char** argv) {
  (void)argv;
  puts("sleeping");
  fflush(stdout);
  for (;;) rest(3600000);
}

static int spin(char** argv) {
  (void)argv;
  for (volatile unsigned i = 0;; i++) {
  }
}

// MIB: holds so much memory, all of it touched.
static int eat(char** argv) {
  for (int i = atoi(argv[0]); i > 0; i--) {
    char* volatile held = malloc(1 << 20);  // volatile: or the compiler does without
    if (!held) return failed("malloc", ENOMEM) + 6;
    memset(held, i, 1 << 20);
  }
  return nap(argv);
}

static int echo_input(char** argv) {
  (void)argv;
  return copy(0, 1);
}

// A.B.C.D PORT PATH [FILE]: an HTTP request with the token in the file, and its answer.
static int get(char** argv) {
  unsigned b[4];
  if (sscanf(argv[0], "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]) != 4) return failed(argv[0], EINVAL);
  const uint8_t bytes[4] = {(uint8_t)b[0], (uint8_t)b[1], (uint8_t)b[2], (uint8_t)b[3]};
  const struct address address = {bytes, 4};
  uint32_t fd;
  uint32_t error = sock_open(kInet4, kStream, &fd);
  if (!error) error = sock_connect(fd, &address, (uint32_t)atoi(argv[1]));
  if (error) return failed("connect", (int)error);
  char token[4096] = "";
  if (argv[3]) {
    const int file = open(argv[3], O_RDONLY);
    if (file < 0 || read(file, token, sizeof token - 1) <= 0) return failed(argv[3], errno);
  }
  dprintf((int)fd, "GET %s HTTP/1.1\r\nHost: kubernetes\r\nConnection: close\r\n%s%s%s\r\n", argv[2], token[0] ? "Authorization: Bearer " : "",
          token, token[0] ? "\r\n" : "");
  return copy((int)fd, 1);
}

static int read_all(int fd, uint8_t* into, size_t size) {
  for (ssize_t n; size > 0; into += n, size -= (size_t)n) {
    n = read(fd, into, size);
    if (n <= 0) return -1;
  }
  return 0;
}

static int frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void* data, uint32_t size) {
  uint8_t head[9] = {(uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size, type, flags,
                     (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
  return write(fd, head, 9) == 9 && write(fd, data, size) == (ssize_t)size ? 0 : -1;
}

// grpc.health.v1.Health/Check over HTTP/2: every call on a connection is answered with SERVING.
static void serve_health(int fd) {
  enum { kData = 0, kHeaders = 1, kSettings = 4, kPing = 6, kAck = 1, kEndStream = 1, kEndHeaders = 4 };
  // :status 200 is entry 8 of HPACK's static table; the others are literals with new names
  static const char kHead[] = "\x88\x00\x0c" "content-type" "\x10" "application/grpc";
  static const char kTail[] = "\x00\x0b" "grpc-status" "\x01" "0";
  static const char kServing[] = {0, 0, 0, 0, 2, 8, 1};  // uncompressed, two bytes: status = SERVING
  uint8_t buffer[65536];
  if (read_all(fd, buffer, 24)) return;  // the client's preface
  frame(fd, kSettings, 0, 0, "", 0);
  while (!read_all(fd, buffer, 9)) {
    const uint32_t size = (uint32_t)buffer[0] << 16 | (uint32_t)buffer[1] << 8 | buffer[2];
    const uint8_t type = buffer[3], flags = buffer[4];
    const uint32_t stream = ((uint32_t)buffer[5] << 24 | (uint32_t)buffer[6] << 16 | (uint32_t)buffer[7] << 8 | buffer[8]) & 0x7fffffff;
    if (size > sizeof buffer || read_all(fd, buffer, size)) return;
    if (type == kSettings && !(flags & kAck)) frame(fd, kSettings, kAck, 0, "", 0);
    if (type == kPing && !(flags & kAck)) frame(fd, kPing, kAck, 0, buffer, size);
    if (stream != 0 && type == kData && (flags & kEndStream)) {
      frame(fd, kHeaders, kEndHeaders, stream, kHead, sizeof kHead - 1);
      frame(fd, kData, 0, stream, kServing, sizeof kServing);
      frame(fd, kHeaders, kEndHeaders | kEndStream, stream, kTail, sizeof kTail - 1);
    }
  }
}

// Accepts connections for ever, one after the other.
static int listen_at(const char* port, void (*serve)(int fd)) {
  const uint8_t any[4] = {0, 0, 0, 0};
  const struct address address = {any, 4};
  uint32_t listener;
  uint32_t error = sock_open(kInet4, kStream, &listener);
  if (!error) error = sock_bind(listener, &address, (uint32_t)atoi(port));
  if (!error) error = sock_listen(listener, 16);
  if (error) return failed("listen", (int)error);
  for (;;) {
    const int fd = accept((int)listener, NULL, NULL);
    if (fd < 0) return failed("accept", errno);
    serve(fd);
    close(fd);
  }
}

// PORT: a gRPC health server.
static int health(char** argv) { return listen_at(argv[0], serve_health); }

static void answer_http(int fd) {
  char request[4096];
  const ssize_t n = read(fd, request, sizeof request - 1);
  if (n <= 0) return;
  request[n] = 0;
  printf("%.*s\n", (int)strcspn(request, "\r\n"), request);
  fflush(stdout);
  dprintf(fd, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
}

// PORT: an HTTP server that prints the first line of each request.
static int web(char** argv) { return listen_at(argv[0], answer_http); }

static const struct {
  const char* name;
  int arguments;
  int (*run)(char** argv);
} kCommands[] = {
    {"exit", 1, exit_with}, {"print", 1, print_files}, {"env", 1, print_variables}, {"append", 2, append},
    {"fill", 2, fill},      {"trap", 0, trap},         {"tick", 1, tick},           {"sleep", 0, nap},
    {"spin", 0, spin},      {"eat", 1, eat},           {"echo", 0, echo_input},     {"get", 3, get},
    {"health", 1, health},  {"count", 4, count},   {"web", 1, web},
};

int main(int argc, char** argv) {
  for (size_t i = 0; argc > 1 && i < sizeof kCommands / sizeof *kCommands; i++) {
    if (strcmp(argv[1], kCommands[i].name) == 0 && argc - 2 >= kCommands[i].arguments) return kCommands[i].run(argv + 2);
  }
  fprintf(stderr, "guest: no such command\n");
  return 2;
}
