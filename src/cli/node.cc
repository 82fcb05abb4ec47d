// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <functional>

#include "cli/command.h"
#include "cli/findings.h"
#include "cli/suggest.h"
#include "node/binaries.h"
#include "node/host_entry.h"
#include "node/installation.h"

namespace wherry::cli {
namespace {

struct CommandOptions {
  node::InstallOptions install;
  std::string source;
  std::string host_root;
  std::optional<std::chrono::nanoseconds> limit;
  bool no_restart = false;
  bool no_trial = false;
  bool dry_run = false;
  bool watch = false;
  std::string ready_file;
  bool json = false;
};

template <std::string node::NodeOptions::*member>
Result<void> set_node(CommandOptions& options, std::string_view value) {
  options.install.node.*member = value;
  return {};
}
Result<void> set_restart_command(CommandOptions& options, std::string_view value) {
  options.install.restart_command = value;
  return {};
}
Result<void> set_force(CommandOptions& options, std::string_view) {
  options.install.force = true;
  return {};
}

constexpr Option kOptions[] = {
    {"distribution", 0, "NAME", "k3s, rke2, microk8s, k0s or plain [default: what is here]",
     call<CommandOptions, set_node<&node::NodeOptions::distribution>>},
    {"config", 'c', "FILE", "containerd's configuration [default: the distribution's]",
     call<CommandOptions, set_node<&node::NodeOptions::config>>},
    {"socket", 0, "PATH", "containerd's socket [default: the configuration's]",
     call<CommandOptions, set_node<&node::NodeOptions::address>>},
    {"handler", 0, "NAME", "what a RuntimeClass names [default: wherry]",
     call<CommandOptions, set_node<&node::NodeOptions::handler>>},
    {"bin-dir", 0, "DIR", "where the binaries go [default: /opt/wherry/bin]",
     call<CommandOptions, set_node<&node::NodeOptions::bin_directory>>},
    {"from", 0, "DIR", "where the binaries are [default: beside this one]", set<&CommandOptions::source>},
    {"state", 0, "DIR", "record and backup [default: /var/lib/wherry/node]",
     call<CommandOptions, set_node<&node::NodeOptions::state_directory>>},
    {"host-root", 0, "DIR", "where the machine's file system is, in a container", set<&CommandOptions::host_root>},
    {"restart-command", 0, "CMD", "restarts containerd [default: its service]",
     call<CommandOptions, set_restart_command>},
    {"timeout", 0, "TIME", "for containerd to come back [default: 2m]", set<&CommandOptions::limit>},
    {"no-restart", 0, "", "leaves the restart to you", set<&CommandOptions::no_restart>},
    {"no-check", 0, "", "runs no test container", set<&CommandOptions::no_trial>},
    {"dry-run", 0, "", "install: prints what it would do", set<&CommandOptions::dry_run>},
    {"watch", 0, "", "stays, and does it again every minute where it is undone", set<&CommandOptions::watch>},
    {"ready-file", 0, "FILE", "with --watch: says `yes` while the last time went well, or `no`", set<&CommandOptions::ready_file>},
    {"force", 0, "", "uninstall: although pods run", call<CommandOptions, set_force>},
    {"json", 0, "", "status: prints JSON", set<&CommandOptions::json>},
};

void print_step(const std::string& step) {
  std::printf("%s\n", step.c_str());
  std::fflush(stdout);
}

std::string own_directory() {
  std::array<char, PATH_MAX> self;
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  const std::string path(self.data(), size > 0 ? static_cast<size_t>(size) : 0);
  return path.substr(0, path.rfind('/') + 1);
}

Result<int> print_plan(const UniqueFd& source, const node::InstallOptions& options) {
  const node::Plan plan = TRY(node::plan_installation(source, options));
  for (const std::string& name : plan.binaries)
    std::printf("would put %s/%s in place\n", options.node.bin_directory.c_str(), name.c_str());
  std::printf("%s", plan.diff.c_str());
  if (plan.diff.empty()) std::printf("nothing to change in %s\n", plan.file.c_str());
  return 0;
}

using Action = std::function<Result<void>(const node::Progress& progress)>;

struct Round {
  bool succeeded = false;
  std::string steps;  // one line each
};

// In a process of its own: it may enter the machine's mounts, while probes and
// `kubectl exec` look for the container's files in those of its first process.
Result<Round> run_round(const CommandOptions& options, const Action& action) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_error(errno, "pipe");
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return os_error(errno, "fork");
  if (child == 0) {
    std::string steps;
    auto done = options.host_root.empty() ? Result<void>() : node::enter_host(options.host_root);
    if (done) done = action([&](const std::string& step) { steps += step + "\n"; });
    if (!done) steps += "error: " + done.error().to_string() + "\n";
    ::_exit(write_all(in.get(), steps, "pipe") && done ? 0 : kFailure);
  }
  in.reset();
  constexpr size_t kLimit = 1 << 20;
  auto steps = read_all(out.get(), kLimit, "pipe");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!steps) return std::move(steps).error();
  return Round{.succeeded = status == 0, .steps = std::move(*steps)};
}

// Until SIGTERM or SIGINT, as a pod of the node: its configuration may be written anew by others.
Result<int> watch(const CommandOptions& options, const Action& action) {
  constexpr timespec kPause{60, 0};
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigaddset(&stop, SIGINT);
  if (::sigprocmask(SIG_BLOCK, &stop, nullptr) != 0) return os_error(errno, "sigprocmask");
  std::string last;
  do {
    // Only what is news: a minute without changes is silent.
    const Round round = TRY(run_round(options, action));
    if (round.steps != last && !round.steps.empty()) print_step(round.steps.substr(0, round.steps.size() - 1));
    last = round.steps;
    if (!options.ready_file.empty()) TRY(replace_file(options.ready_file, round.succeeded ? "yes\n" : "no\n", 0644));
  } while (::sigtimedwait(&stop, nullptr, &kPause) < 0);
  return 0;
}

Result<int> once_or_watch(const CommandOptions& options, const Action& action) {
  if (options.watch) return watch(options, action);
  TRY(action(print_step));
  return 0;
}

Result<int> install(const UniqueFd& source, const CommandOptions& options) {
  if (options.dry_run) return print_plan(source, options.install);
  node::InstallOptions install = options.install;
  install.retry = !options.watch;
  return once_or_watch(
      options, [&](const node::Progress& progress) { return node::install(source, install, progress); });
}

Result<int> status(const UniqueFd& source, const CommandOptions& options) {
  return print_findings({{"node", node::installation_status(source, options.install)}}, options.json);
}

Result<int> uninstall(const UniqueFd&, const CommandOptions& options) {
  return once_or_watch(
      options, [&](const node::Progress& progress) { return node::uninstall(options.install, progress); });
}

Result<int> node(const CommandOptions& given, const Arguments& arguments) {
  constexpr struct {
    std::string_view name;
    Result<int> (*run)(const UniqueFd& source, const CommandOptions& options);
  } kActions[] = {{"install", install}, {"status", status}, {"uninstall", uninstall}};
  CommandOptions options = given;
  options.install.restart = !options.no_restart;
  options.install.trial = !options.no_trial;
  if (options.limit) options.install.limit = std::chrono::ceil<std::chrono::milliseconds>(*options.limit);
  std::vector<std::string_view> names;
  for (const auto& action : kActions) {
    names.push_back(action.name);
    if (action.name != arguments[0]) continue;
    const UniqueFd source = TRY(node::open_source(options.source.empty() ? own_directory() : options.source));
    if (!options.host_root.empty() && !options.watch) TRY(node::enter_host(options.host_root));
    return action.run(source, options);
  }
  std::fprintf(stderr, "error: wherry node: unknown action `%s`%s\n", arguments[0].c_str(),
               suggestion(arguments[0], names).c_str());
  return kUsageError;
}

}  // namespace

const Command kNode = {
    .name = "node",
    .arguments = "install | status | uninstall",
    .min_arguments = 1,
    .max_arguments = 1,
    .order = Order::any,
    .summary = "makes the containerd of this machine know Wherry, or forget it",
    .details = "",
    .options = kOptions,
    .examples = {"node install --dry-run", "node status --json"},
    .main = command_main<CommandOptions, node>,
};

}  // namespace wherry::cli
