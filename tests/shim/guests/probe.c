// SPDX-License-Identifier: Apache-2.0
// What the shim's tests run in a container: `probe.wasm WHAT [ARGUMENTS]`.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static int fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

static void rest(int milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  nanosleep(&time, NULL);
}

static int echo(int argc, char** argv) {
  for (int i = 2; i < argc; i++) printf("%s%s", argv[i], i + 1 < argc ? " " : "\n");
  return 0;
}

static int leave(int argc, char** argv) { return argc > 2 ? atoi(argv[2]) : 0; }

static int trap(int argc, char** argv) {
  (void)argc, (void)argv;
  __builtin_trap();
}

static int loop(int argc, char** argv) {
  (void)argc, (void)argv;
  puts("looping");
  for (volatile unsigned i = 0;; i++) {
  }
}

static int nap(int argc, char** argv) {
  puts("sleeping");
  rest(argc > 2 ? atoi(argv[2]) : 3600000);
  return 0;
}

// Counts on stdout, one number every so many milliseconds.
static int tick(int argc, char** argv) {
  const int pause = argc > 2 ? atoi(argv[2]) : 10;
  for (unsigned i = 0;; i++) {
    printf("%u\n", i);
    rest(pause);
  }
}

static int cat(int argc, char** argv) {
  (void)argc, (void)argv;
  char buffer[4096];
  ssize_t n;
  while ((n = read(0, buffer, sizeof buffer)) > 0) {
    if (write(1, buffer, (size_t)n) != n) return fail("write");
  }
  return n < 0 ? fail("read") : 0;
}

static int both(int argc, char** argv) {
  (void)argc, (void)argv;
  puts("to stdout");
  fputs("to stderr\n", stderr);
  return 0;
}

static int tty(int argc, char** argv) {
  (void)argc, (void)argv;
  printf("terminals: %d %d %d\n", isatty(0), isatty(1), isatty(2));
  return 0;
}

static int env(int argc, char** argv) {
  (void)argc, (void)argv;
  for (char** e = environ; *e; e++) puts(*e);
  return 0;
}

static int read_files(int argc, char** argv) {
  for (int i = 2; i < argc; i++) {
    FILE* file = fopen(argv[i], "r");
    if (!file) return fail(argv[i]);
    for (int c; (c = getc(file)) != EOF;) putchar(c);
    fclose(file);
  }
  return 0;
}

static int write_file(int argc, char** argv) {
  if (argc < 4) return 2;
  FILE* file = fopen(argv[2], "w");
  if (!file) return fail(argv[2]);
  if (fputs(argv[3], file) < 0 || fclose(file) != 0) return fail(argv[2]);
  return 0;
}

static int many_lines(int argc, char** argv) {
  const int count = argc > 2 ? atoi(argv[2]) : 1000;
  for (int i = 0; i < count; i++) printf("line %d of some output that fills the pipe\n", i);
  return 0;
}

static void* volatile touched;  // keeps the compiler from leaving the memory out

// Touches so many MiB and says how far it came.
static int allocate(int argc, char** argv) {
  const int wanted = argc > 2 ? atoi(argv[2]) : 1;
  for (int i = 0; i < wanted; i++) {
    char* memory = malloc(1 << 20);
    if (!memory) {
      printf("refused after %d MiB\n", i);
      return 3;
    }
    memset(memory, 1, 1 << 20);
    touched = memory;
  }
  printf("got %d MiB\n", wanted);
  return 0;
}

// Takes a MiB every so many milliseconds until something stops it.
static int grow(int argc, char** argv) {
  const int pause = argc > 2 ? atoi(argv[2]) : 5;
  for (int i = 0;; i++) {
    char* memory = malloc(1 << 20);
    if (!memory) return 3;
    memset(memory, 1, 1 << 20);
    touched = memory;
    printf("%d MiB\n", i);
    rest(pause);
  }
}

static const struct {
  const char* name;
  int (*run)(int, char**);
} kCommands[] = {
    {"echo", echo}, {"exit", leave}, {"trap", trap}, {"loop", loop},       {"sleep", nap},        {"tick", tick},      {"cat", cat},
    {"both", both}, {"env", env},    {"read", read_files}, {"write", write_file}, {"lines", many_lines}, {"allocate", allocate}, {"grow", grow},         {"tty", tty},
};

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t i = 0; argc > 1 && i < sizeof kCommands / sizeof *kCommands; i++) {
    if (strcmp(argv[1], kCommands[i].name) == 0) return kCommands[i].run(argc, argv);
  }
  fprintf(stderr, "probe: unknown command\n");
  return 2;
}
