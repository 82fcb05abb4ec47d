// SPDX-License-Identifier: Apache-2.0
#include "shim/start.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "shim/address.h"
#include "shim/server.h"
#include "shim/task/bundle.h"

namespace wherry::shim {
namespace {

constexpr size_t kMaxInput = 10u << 20;
constexpr std::string_view kDone = "done";

// Containers of one pod may then share a core; one call covers the whole process group.
Result<void> create_core_cookie() {
  constexpr int kProcessGroup = 2;
  if (::prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, kProcessGroup, 0) != 0) return os_error(errno, "SCHED_CORE=1: core scheduling");
  return {};
}

struct Started {
  std::string address;
  ServerConfig server;
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
  TRY(bundle.write_address(started.address));
  if (parameters.sched_core) TRY(create_core_cookie());
  started.server = {parameters.id, parameters.ns, parameters.ttrpc_address, parameters.address, path, bundle.log_fifo(), parameters.shim_cgroup,
                    parameters.cache_directory, parameters.search_path, parameters.node_file, parameters.debug, ::getppid()};
  return started;
}

// The child of start_server(): serves, unless another shim does by now, and tells at `says` what went wrong, or kDone.
[[noreturn]] void serve_or_leave(ServerConfig config, UniqueFd says) {
  ::signal(SIGPIPE, SIG_IGN);  // of whoever waits for us and is killed
  auto bound = bind_or_find(config.socket_path);
  (void)write_all(says.get(), bound ? std::string(kDone) : bound.error().to_string(), "start: pipe");
  says.reset();
  ::_exit(bound && bound->listener ? serve(std::move(config), std::move(bound->listener)) : 0);
}

// Returns once there is a server. It makes its socket itself: containerd kills us, not it, when the start is given up,
// and a socket without a server would stay for good.
Result<void> start_server(ServerConfig config) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_error(errno, "start: pipe");
  const UniqueFd ear(ends[0]);
  UniqueFd says(ends[1]);
  const pid_t pid = ::fork();  // no thread is running yet, so the child may be the server without another exec
  if (pid < 0) return os_error(errno, "start: fork");
  if (pid == 0) serve_or_leave(std::move(config), std::move(says));
  says.reset();
  const std::string told = TRY(read_all(ear.get(), kMaxInput, "start: pipe"));
  if (told == kDone) return {};
  return error(ErrorKind::invalid, told.empty() ? "start: the shim ended as it began" : told);
}

int failed(const Error& error) {
  std::fprintf(stderr, "%s\n", error.to_string().c_str());
  return 1;
}

}  // namespace

int start(const Flags& flags) {
  auto started = prepare_start(flags);
  if (!started) return failed(started.error());
  if (!is_served(started->server.socket_path)) {
    if (const auto running = start_server(std::move(started->server)); !running) return failed(running.error());
  }
  const auto printed = write_all(STDOUT_FILENO, started->address, "start: stdout");
  return printed ? 0 : 1;
}

}  // namespace wherry::shim
