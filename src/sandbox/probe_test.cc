// SPDX-License-Identifier: Apache-2.0
// What the test containers run, and the main of the test program, which is its own
// init as the shim is.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include "sandbox/init.h"
#include "sandbox/init/guest.h"

namespace wherry::sandbox {
namespace {

void report(const char* what, long result) {
  std::printf("%s %s\n", what, result >= 0 ? "ok" : ::strerrorname_np(errno));
}

void probe_system_calls() {
  report("mount", ::mount("none", "/", "tmpfs", 0, nullptr));
  report("umount", ::umount2("/proc", MNT_DETACH));
  report("ptrace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  char* const args[] = {nullptr};
  report("execve", ::execve("/proc/self/exe", args, args));
  report("execveat", ::syscall(SYS_execveat, 1, "", args, args, AT_EMPTY_PATH));
  report("fork", ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  report("unshare", ::unshare(CLONE_NEWUSER));
  report("setns", ::setns(0, CLONE_NEWNET));
  report("bpf", ::syscall(SYS_bpf, 0, nullptr, 0));
  report("keyctl", ::syscall(SYS_keyctl, 0, 0));
  report("chroot", ::chroot("/"));
  report("io_uring", ::syscall(SYS_io_uring_setup, 1, nullptr));
  report("userfaultfd", ::syscall(SYS_userfaultfd, 0));
  report("kill", ::kill(::getppid(), 0));
  report("netlink", ::socket(AF_NETLINK, SOCK_RAW, 0));
  report("setrlimit", [] { rlimit one{1, 1}; return ::setrlimit(RLIMIT_NOFILE, &one); }());
  report("tiocsti", ::syscall(SYS_ioctl, 0, 0x5412, "x"));
  const auto map = [](int protection) {
    void* page = ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : 0;
  };
  report("mmap rwx", map(PROT_READ | PROT_WRITE | PROT_EXEC));
  report("mmap rx", map(PROT_READ | PROT_EXEC));
  report("mmap rw", map(PROT_READ | PROT_WRITE));
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  report("mprotect rx", ::mprotect(page, 4096, PROT_READ | PROT_EXEC));
  report("mprotect r", ::mprotect(page, 4096, PROT_READ));
  report("tcp socket", ::socket(AF_INET, SOCK_STREAM, 0));
  bool ran = false;
  std::thread([&] { ran = true; }).join();
  report("thread", ran ? 0 : -1);
}

void list(const char* path) {
  DIR* const directory = ::opendir(path);
  report(path, directory ? 0 : -1);
  if (!directory) return;
  while (const dirent* entry = ::readdir(directory)) std::printf("  %s\n", entry->d_name);
  ::closedir(directory);
}

void cat(const char* path) {
  const int fd = ::open(path, O_RDONLY);
  report(path, fd);
  if (fd < 0) return;
  char buffer[4096];
  const ssize_t n = ::read(fd, buffer, sizeof buffer - 1);
  if (n > 0) std::printf("%.*s\n", static_cast<int>(n), buffer);
  ::close(fd);
}

int one(const std::vector<std::string>& args, size_t& at) {
  const std::string name = args[at++];
  const auto next = [&] { return at < args.size() ? args[at++] : std::string(); };
  if (name == "exit") return std::stoi(next());
  if (name == "system-calls") probe_system_calls();
  if (name == "ls") list(next().c_str());
  if (name == "cat") cat(next().c_str());
  if (name == "open") {
    const std::string path = next();
    report(path.c_str(), ::open(path.c_str(), O_RDONLY));
  }
  if (name == "write") {
    const std::string path = next();
    report(path.c_str(), ::open(path.c_str(), O_WRONLY | O_CREAT, 0666));
  }
  if (name == "mknod") report("mknod", ::mknod(next().c_str(), S_IFCHR | 0666, 0x103));
  if (name == "rename") {
    const std::string from = next();
    report("rename", ::renameat(AT_FDCWD, from.c_str(), AT_FDCWD, next().c_str()));
  }
  if (name == "bind") {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(next())));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    report("bind", ::bind(::socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address), sizeof address));
  }
  if (name == "pwd") {
    char path[4096];
    std::printf("%s\n", ::getcwd(path, sizeof path));
  }
  if (name == "environ") {
    for (char** variable = environ; variable && *variable; ++variable) std::printf("%s\n", *variable);
  }
  if (name == "hold") {
    for (;;) ::poll(nullptr, 0, -1);
  }
  if (name == "eat") {
    for (int i = 0; i < 4096; ++i) std::memset(::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 1 << 20);
  }
  return -1;
}

class Probe : public Guest {
 public:
  explicit Probe(GuestConfig config) : config_(std::move(config)) {}
  int run() override {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    for (size_t at = 0; at < config_.args.size();) {
      const int code = one(config_.args, at);
      if (code >= 0) return code;
    }
    return 0;
  }

 private:
  GuestConfig config_;
};

Result<std::unique_ptr<Guest>> load_probe(GuestConfig config) {
  if (config.artifact) return load_guest(std::move(config));
  if (!config.args.empty() && config.args[0] == "fail-to-load") return error(ErrorKind::unlinkable, "cannot load the guest");
  if (!config.args.empty() && config.args[0] == "memory") {
    return error(ErrorKind::exhausted, "memory " + std::to_string(config.max_memory->load()));
  }
  return std::unique_ptr<Guest>(new Probe(std::move(config)));
}

}  // namespace
}  // namespace wherry::sandbox

int main(int argc, char** argv) {
  if (wherry::sandbox::is_init(argc, argv)) {
    const int code = wherry::sandbox::run_init(wherry::sandbox::load_probe, argc, argv);
    std::fflush(stdout);
    ::_exit(code);  // a sanitizer's end would need more system calls than are left
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
