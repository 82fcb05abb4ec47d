// SPDX-License-Identifier: Apache-2.0
// A service mesh's proxy in small: `proxy PORT...` takes connections that the packet filter led astray, notes where each was
// meant to go, and passes both ways.
#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listener(int port) {
  const struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  const int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (const void*)&here, sizeof here) || listen(fd, 64)) {
    perror("listen");
    exit(1);
  }
  return fd;
}

static int copy(int from, int to) {
  char buffer[16384];
  const ssize_t n = read(from, buffer, sizeof buffer);
  return n > 0 && write(to, buffer, (size_t)n) == n;
}

static void relay(int a, int b) {
  struct pollfd both[] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
  while (poll(both, 2, -1) > 0) {
    if (both[0].revents && !copy(a, b)) return;
    if (both[1].revents && !copy(b, a)) return;
  }
}

static void serve(int client, int port) {
  struct sockaddr_in meant;
  socklen_t size = sizeof meant;
  if (getsockopt(client, SOL_IP, SO_ORIGINAL_DST, &meant, &size)) {
    perror("SO_ORIGINAL_DST");
    return;
  }
  char address[INET_ADDRSTRLEN];
  printf("%d: %s:%d\n", port, inet_ntop(AF_INET, &meant.sin_addr, address, sizeof address), ntohs(meant.sin_port));
  fflush(stdout);
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(server, (const void*)&meant, sizeof meant)) {
    perror("connect");
    return;
  }
  relay(client, server);
}

int main(int argc, char** argv) {
  signal(SIGCHLD, SIG_IGN);
  for (int i = 1; i < argc; i++) {
    if (i < argc - 1 && fork() != 0) continue;
    for (const int fd = listener(atoi(argv[i]));;) {
      const int client = accept(fd, NULL, NULL);
      if (client < 0) continue;
      if (fork() == 0) {
        serve(client, atoi(argv[i]));
        _exit(0);
      }
      close(client);
    }
  }
  return 2;
}
