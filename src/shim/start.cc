// SPDX-License-Identifier: Apache-2.0
#include "shim/start.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "shim/address.h"
#include "shim/server.h"
#include "shim/task/bundle.h"

namespace wherry::shim {
namespace {

constexpr size_t kMaxInput = 10u << 20;

// Containers of one pod may then share a core; one call covers the whole process group.
Result<void> create_core_cookie() {
  constexpr int kProcessGroup = 2;
  if (::prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, kProcessGroup, 0) != 0) return os_error(errno, "SCHED_CORE=1: core scheduling");
  return {};
}

struct Started {
  std::string address;
  ServerConfig server;
  UniqueFd listener;  // none: another shim serves the container
};

Result<Started> prepare_start(const Flags& flags) {
  const StartEnvironment environment{std::getenv("TTRPC_ADDRESS"), std::getenv("GRPC_ADDRESS"), std::getenv("NAMESPACE"),
                                     std::getenv("SCHED_CORE"), std::getenv("WHERRY_CACHE"), std::getenv("PATH"), std::getenv("WHERRY_CONFIG")};
  const std::string input = TRY(read_all(STDIN_FILENO, kMaxInput, "start: stdin"));
  const StartParameters parameters = TRY(start_parameters(flags, environment, input));
  TRY(check_id(parameters.id));
  char* const cwd = ::get_current_dir_name();
  if (!cwd) return os_error(errno, "start: working directory");
  const Bundle bundle(cwd);
  std::free(cwd);

  Started started;
  const std::string group = group_of_bundle(bundle.path(), parameters.id);
  const std::string path = socket_path(parameters.socket_root, parameters.address, parameters.ns, group);
  started.address = "unix://" + path;
  // What can fail comes before the socket, which would stay behind.
  TRY(bundle.write_address(started.address));
  if (parameters.sched_core) TRY(create_core_cookie());
  started.listener = TRY(bind_or_find(path)).listener;
  if (!started.listener) return started;
  started.server = {parameters.id, parameters.ns, parameters.ttrpc_address, parameters.address, path, bundle.log_fifo(), parameters.shim_cgroup,
                    parameters.cache_directory, parameters.search_path, parameters.node_file, parameters.debug, ::getppid()};
  return started;
}

// A fork that returns in the parent when the child has called listen() too: who connects is told which process
// did so last, and takes the socket of one that ends, as the parent is about to, for nobody's.
Result<pid_t> fork_listening(const UniqueFd& listener) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_error(errno, "start: pipe");
  const UniqueFd hears(ends[0]);
  UniqueFd says(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return os_error(errno, "start: fork");
  if (pid == 0) {
    ::listen(listener.get(), SOMAXCONN);
    return pid;
  }
  says.reset();
  char nothing;
  while (::read(hears.get(), &nothing, 1) < 0 && errno == EINTR) {
  }
  return pid;
}

}  // namespace

int start(const Flags& flags) {
  auto started = prepare_start(flags);
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().to_string().c_str());
    return 1;
  }
  if (started->listener) {
    // No thread is running yet, so the child may be the server without another exec.
    const auto pid = fork_listening(started->listener);
    if (!pid) {
      std::fprintf(stderr, "%s\n", pid.error().to_string().c_str());
      ::unlink(started->server.socket_path.c_str());
      return 1;
    }
    if (*pid == 0) return serve(std::move(started->server), std::move(started->listener));
  }
  const auto printed = write_all(STDOUT_FILENO, started->address, "start: stdout");
  return printed ? 0 : 1;
}

}  // namespace wherry::shim
