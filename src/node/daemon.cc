// SPDX-License-Identifier: Apache-2.0
#include "node/daemon.h"

#include <dirent.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "node/program.h"

namespace wherry::node {
namespace {

constexpr char kDefaultConfig[] = "/etc/containerd/config.toml";
constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

std::vector<std::string> proc_strings(const std::string& path) {
  constexpr size_t kLimit = 1 << 20;
  const auto content = read_file(path, kLimit);
  std::vector<std::string> strings;
  if (!content) return strings;
  for (size_t i = 0; i < content->size();) {
    strings.emplace_back(content->c_str() + i);
    i += strings.back().size() + 1;
  }
  return strings;
}

std::string config_of(const std::vector<std::string>& command) {
  for (size_t i = 1; i < command.size(); ++i) {
    const std::string& word = command[i];
    const bool separate = word == "-c" || word == "-config" || word == "--config";
    if (separate && i + 1 < command.size()) return command[i + 1];
    for (const std::string_view prefix : {"-c=", "-config=", "--config="})
      if (word.starts_with(prefix)) return word.substr(prefix.size());
  }
  return kDefaultConfig;
}

// One program may be k3s and containerd, by the name that it is called by.
std::string called_containerd(const std::string& program) {
  const std::string containerd = program.substr(0, program.rfind('/') + 1) + "containerd";
  return ::access(containerd.c_str(), X_OK) == 0 ? containerd : program;
}

Daemon daemon_of(const std::string& process) {
  Daemon daemon{
      .program = "", .path = kDefaultPath, .config = config_of(proc_strings(process + "/cmdline")), .running = true};
  std::array<char, PATH_MAX> program;
  const ssize_t size = ::readlink((process + "/exe").c_str(), program.data(), program.size());
  if (size > 0) daemon.program = called_containerd(std::string(program.data(), static_cast<size_t>(size)));
  for (const std::string& variable : proc_strings(process + "/environ"))
    if (variable.starts_with("PATH=")) daemon.path = variable.substr(5);
  return daemon;
}

Daemon installed_daemon() {
  const char* const own = std::getenv("PATH");
  const std::string path = std::string(own ? own : "") + ":" + kDefaultPath;
  return {.program = find_on_path("containerd", path), .path = path, .config = kDefaultConfig, .running = false};
}

}  // namespace

Daemon find_daemon() {
  const std::unique_ptr<DIR, DirCloser> proc(::opendir("/proc"));
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    const std::string process = std::string("/proc/") + entry->d_name;
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const auto name = read_file(process + "/comm", 64);
    if (!name || *name != "containerd\n") continue;
    Daemon daemon = daemon_of(process);
    if (!daemon.program.empty()) return daemon;
  }
  return installed_daemon();
}

Result<pid_t> listener_of(const std::string& address) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.size() >= sizeof name.sun_path) return error(ErrorKind::invalid, address + ": too long for a socket");
  address.copy(name.sun_path, address.size());
  const UniqueFd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connection || ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return os_error(errno, address);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return os_error(errno, address);
  return peer.pid;
}

Daemon find_daemon_at(const std::string& address) {
  const auto pid = listener_of(address);
  if (!pid || *pid == 0) return installed_daemon();
  Daemon daemon = daemon_of("/proc/" + std::to_string(*pid));
  return daemon.program.empty() ? installed_daemon() : daemon;
}

}  // namespace wherry::node
