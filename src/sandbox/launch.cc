// SPDX-License-Identifier: Apache-2.0
// Launching a container's init.
#include <signal.h>

#include <cerrno>

#include "sandbox/hooks.h"
#include "sandbox/init.h"
#include "sandbox/launch_message.h"
#include "sandbox/namespace_flags.h"
#include "sandbox/new_process.h"
#include "sandbox/pidfd.h"

namespace wherry::sandbox {
namespace {

// What the spec asks for and this library can not do.
Result<void> check_supported(const Spec& spec) {
  if (!spec.linux_.find(NamespaceType::user) && (!spec.linux_.uidMappings.empty() || !spec.linux_.gidMappings.empty())) {
    return error(ErrorKind::invalid, "config.json: uidMappings and gidMappings need a user namespace");
  }
  if (spec.linux_.has_time_offsets) {
    return error(ErrorKind::unsupported, "time namespaces with offsets are not supported");
  }
  if (!spec.linux_.find(NamespaceType::mount)) {
    return error(ErrorKind::unsupported, "a container without a mount namespace is not supported");
  }
  if (!spec.linux_.find(NamespaceType::mount)->path.empty()) {
    return error(ErrorKind::unsupported, "joining a mount namespace is not supported");
  }
  if (!spec.hooks.startContainer.empty()) {
    return error(ErrorKind::unsupported, "startContainer hooks run a program of the image, which a Wasm container can not");
  }
  return {};
}

// The conversation up to "ready"; its text are the warnings.
Result<std::string> converse(int control, const LaunchConfig& config, const Spawned& process, UniqueFd& console) {
  for (;;) {
    const std::string packet = TRY(hear(control, &console));
    if (packet.empty()) return gone_silent(process);
    switch (static_cast<Say>(packet[0])) {
      case Say::ready:
        return packet.substr(1);
      case Say::error:
        return said_error(process, packet.substr(1));
      case Say::namespaces: {
        const HookState state{
            .id = config.id, .status = "creating", .pid = process.pid, .bundle = config.bundle, .spec = config.spec};
        TRY(run_hooks("prestart", config.spec->hooks.prestart, state));
        TRY(run_hooks("createRuntime", config.spec->hooks.createRuntime, state));
        if (!say(control, Say::go)) return gone_silent(process);
        break;
      }
      default:
        return error(ErrorKind::malformed, "the container's process said something unknown");
    }
  }
}

LaunchMessage message_of(const LaunchConfig& config) {
  const Hooks& hooks = config.spec->hooks;
  return {.kind = config.kind,
          .has_hooks = !hooks.prestart.empty() || !hooks.createRuntime.empty(),
          .has_artifact = config.artifact >= 0,
          .has_memory_limit = config.memory_limit >= 0,
          .has_start_socket = config.start_socket >= 0,
          .has_stats = config.guest.stats >= 0,
          .has_report = config.guest.report >= 0,
          .is_toolbox = config.is_toolbox,
          .outlives = config.start_socket >= 0,
          .oom_score_adj = config.oom_score_adj,
          .id = config.id,
          .bundle = config.bundle,
          .rootfs = config.rootfs,
          .invoke = config.invoke,
          .spec_json = std::string(config.spec_json),
          .process_json = {},
          .settings = config.guest.settings};
}

}  // namespace

Result<std::unique_ptr<LaunchedProcess>> Launcher::launch(const LaunchConfig& config) {
  const Spec& spec = *config.spec;
  TRY(check_supported(spec));
  const std::optional<Label> label = TRY(label_of(spec.process));
  if (label) TRY(check_label(*label));
  const UniqueFd message = TRY(write_launch_message(message_of(config)));
  const Namespace* const pid = spec.linux_.find(NamespaceType::pid);
  // The rest belongs to the user namespace, which the process has to enter before.
  const bool user = spec.linux_.find(NamespaceType::user) != nullptr;
  NewProcess made = TRY(state_->start({.verb = "init",
                                       .id = config.id,
                                       .args = &spec.process.args,
                                       .stdio = config.stdio,
                                       .cgroup = config.cgroup,
                                       .message = message.get(),
                                       .artifact = config.artifact,
                                       .memory_limit = config.memory_limit,
                                       .start_socket = config.start_socket,
                                       .stats = config.guest.stats,
                                       .report = config.guest.report,
                                       .namespaces = user ? 0 : clone_flags(spec.linux_),
                                       .pid_namespace = pid && !user ? pid->path : ""}));
  if (user) TRY(follow_fork(made, label, false));
  UniqueFd console;
  auto ready = converse(made.control.get(), config, made.process, console);
  if (!ready) {
    discard(made.process);
    return std::move(ready).error();
  }
  return std::make_unique<LaunchedProcess>(std::move(made.process), std::move(made.control), std::move(console), std::move(*ready),
                                           label ? LaunchedProcess::Start::confirmed : LaunchedProcess::Start::sent);
}

LaunchedProcess::LaunchedProcess(Spawned process, UniqueFd control, UniqueFd console, std::string warnings, Start start)
    : pid_(process.pid),
      pidfd_(std::move(process.pidfd)),
      control_(std::move(control)),
      console_(std::move(console)),
      warnings_(std::move(warnings)),
      start_(start) {}

LaunchedProcess::~LaunchedProcess() {
  if (control_) (void)signal(SIGKILL);
}

Result<void> LaunchedProcess::start() {
  if (!control_) return error(ErrorKind::failed_precondition, "the container was already started");
  const UniqueFd control = std::move(control_);
  if (!say(control.get(), Say::start)) return error(ErrorKind::failed_precondition, "cannot start a container whose process has finished");
  if (start_ == Start::sent) return {};
  const std::string packet = TRY(hear(control.get()));  // nothing: the exec has closed it
  if (packet.empty()) return {};
  return error_from_text(std::string_view(packet).substr(1));
}

Result<void> LaunchedProcess::signal(int number) const {
  if (signal_pidfd(pidfd_.get(), number) == 0) return {};
  if (errno == ESRCH) return error(ErrorKind::not_found, "process already finished");
  return os_error(errno, "cannot signal the container's process");
}

}  // namespace wherry::sandbox
