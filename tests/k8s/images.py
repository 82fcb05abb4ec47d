# SPDX-License-Identifier: Apache-2.0
"""The images of the Kubernetes tests: pause, busybox, and stand-ins for those that critest pulls."""
import pathlib
import subprocess
import tempfile

from store import File, compiled

PAUSE = "wherry.test/pause:1"
BUSYBOX = "wherry.test/busybox:1"
BUSYBOX_PROGRAM = pathlib.Path("/bin/busybox")

PAUSE_SOURCE = r"""
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void down(int s) { (void)s; _exit(0); }
static void reap(int s) { (void)s; while (waitpid(-1, 0, WNOHANG) > 0); }
int main(void) {
  struct sigaction a; memset(&a, 0, sizeof a);
  a.sa_handler = down; sigaction(SIGINT, &a, 0); sigaction(SIGTERM, &a, 0);
  a.sa_handler = reap; a.sa_flags = SA_NOCLDSTOP; sigaction(SIGCHLD, &a, 0);
  for (;;) pause();
}
"""
# What critest wants of nginx and httpd: the command line, the pid file, a line of log with the name, an answer.
WEB_SOURCE = r"""
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char** argv) {
  if (!strstr(argv[0], "master")) execl("/usr/sbin/nginx", "nginx: master process", argc > 1 ? argv[1] : "80", (char*)0);
  int port = atoi(argv[1]), one = 1;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  int s = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(s, (void*)&a, sizeof a) || listen(s, 64)) { perror("bind"); return 1; }
  signal(SIGPIPE, SIG_IGN);
  mkdir("/var/run", 0755);
  FILE* f = fopen("/var/run/nginx.pid", "w");
  if (f) { fprintf(f, "%d\n", getpid()); fclose(f); }
  puts("httpd is ready");
  fflush(stdout);
  for (;;) {
    int c = accept(s, 0, 0); char b[4096];
    if (c < 0) continue;
    if (read(c, b, sizeof b) > 0)
      dprintf(c, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: 25\r\nConnection: close\r\n\r\n<h1>Welcome to nginx</h1>");
    shutdown(c, SHUT_WR);
    while (read(c, b, sizeof b) > 0);
    close(c);
  }
}
"""
NO_NEW_PRIVILEGES_SOURCE = '#include <stdio.h>\n#include <unistd.h>\nint main(void){printf("Effective uid: %d\\n",geteuid());return 0;}\n'

USERS = b"root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUPS = b"root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"
MORE_USERS = USERS + b"default-user:x:1000:1000::/:/bin/sh\n"
MORE_GROUPS = GROUPS + b"group-defined-in-image:x:50000:default-user\n"
PATH = "PATH=/bin:/sbin:/usr/bin:/usr/sbin"

# Debian's busybox-static lacks two applets that critest calls.
PGREP = b'#!/bin/sh\nfor p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = "$1" ] && echo ${p#/proc/}; done; exit 0\n'
IPCS = b"#!/bin/sh\ncat /proc/sysvipc/shm\n"


def busybox_files():
    """A root file system of busybox. Hard links: critest masks /bin/ls and still wants /bin/sh."""
    applets = subprocess.run([BUSYBOX_PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout.split()
    empty = {d: File(directory=True) for d in ("sbin", "root", "proc", "sys", "dev", "var/www", "usr/bin", "usr/sbin")}
    links = {f"bin/{a}": File(link="bin/busybox") for a in applets if a != "busybox"}
    return {"bin/busybox": BUSYBOX_PROGRAM, **links, **empty, "tmp": File(mode=0o1777, directory=True),
            "etc/passwd": File(USERS, 0o644), "etc/group": File(GROUPS, 0o644), "bin/pgrep": PGREP, "bin/ipcs": IPCS}


def add_base(store):
    """pause and busybox. Returns busybox's layer for others to stand on."""
    busybox = busybox_files()
    with tempfile.TemporaryDirectory() as work:
        pause = {"pause": compiled(work, "pause", PAUSE_SOURCE)}
        store.add("pause:1", pause, entrypoint=["/pause"], user="65535:65535")
    store.add("busybox:1", busybox, command=["sh"], environment=[PATH])
    return busybox


def add_critest(store, busybox):
    """Every image that critest pulls, under the name it uses. Each has a label of its own, and so its own digest."""
    def add(names, *more, **settings):
        first = names if isinstance(names, str) else names[0]
        store.add(names, busybox, *more, environment=[PATH], labels={"name": first}, **{"command": ["sh"], **settings})

    with tempfile.TemporaryDirectory() as work:
        web = {"usr/sbin/nginx": compiled(work, "nginx", WEB_SOURCE)}
        probe = {"nnp": File(compiled(work, "nnp", NO_NEW_PRIVILEGES_SOURCE), 0o4755)}
        add([f"e2e-test-images/busybox:{t}" for t in ("latest", "1.29-2", "1.29-4", "1.36.1-1", "1.37.0-1")])
        add(["e2e-test-images/nginx:1.14-2", "e2e-test-images/httpd:2.4.39-4"], web, command=["/usr/sbin/nginx", "80"])
        add("k8s-staging-cri-tools/hostnet-nginx-amd64:latest", web, command=["/usr/sbin/nginx", "12003"])
        add("e2e-test-images/nonewprivs:1.3", probe, entrypoint=["/nnp"], command=None)
    for name in ("image-latest", "image-1", "image-2", "image-3"):
        add(f"k8s-staging-cri-tools/test-{name}:latest")
    add("k8s-staging-cri-tools/test-image-tag:test")
    add("k8s-staging-cri-tools/test-image-tag:all")
    add([f"k8s-staging-cri-tools/test-image-tags:{n}" for n in (1, 2, 3)])
    for name, user in {"uid": "1002", "username": "www-data", "uid-group": "1003:1003", "username-group": "www-data:www-data"}.items():
        add(f"k8s-staging-cri-tools/test-image-user-{name}:latest", user=user)
    predefined = {"etc/passwd": File(MORE_USERS, 0o644), "etc/group": File(MORE_GROUPS, 0o644)}
    add("k8s-staging-cri-tools/test-image-predefined-group:latest", predefined, user="default-user")
    # critest removes it by its id, which must not be that of the sandboxes' image
    add(["pause:3.9", "pause:3.10"])
