// SPDX-License-Identifier: Apache-2.0
// Launching another process in a container: see run_exec's side in init/join.cc.
#include "sandbox/init.h"
#include "sandbox/launch_message.h"
#include "sandbox/new_process.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {
namespace {

Result<std::string> await_ready(int control, const Spawned& process, UniqueFd& console) {
  const std::string packet = TRY(hear(control, &console));
  if (packet.empty()) return gone_silent(process);
  if (packet[0] == static_cast<char>(Say::ready)) return packet.substr(1);
  if (packet[0] == static_cast<char>(Say::error)) return said_error(process, packet.substr(1));
  return error(ErrorKind::malformed, "the container's process said something unknown");
}

}  // namespace

Result<std::unique_ptr<LaunchedProcess>> Launcher::launch_exec(const ExecLaunchConfig& config) {
  const bool native = !config.native_program.empty();
  Process process = TRY(parse_process(config.process_json));
  inherit_label(process, config.spec->process);
  const std::optional<Label> label = TRY(label_of(process));
  if (label) TRY(check_label(*label));
  const UniqueFd message = TRY(write_launch_message({.kind = native ? InitKind::native : InitKind::exec,
                                                     .has_hooks = false,
                                                     .has_artifact = config.artifact >= 0,
                                                     .has_memory_limit = config.memory_limit >= 0,
                                                     .has_stats = config.guest.stats >= 0,
                                                     .has_report = config.guest.report >= 0,
                                                     .is_toolbox = config.is_toolbox,
                                                     .outlives = config.outlives,
                                                     .oom_score_adj = 0,
                                                     .id = config.id,
                                                     .bundle = {},
                                                     .rootfs = {},
                                                     .invoke = native ? config.native_program : config.invoke,
                                                     .spec_json = std::string(config.spec_json),
                                                     .process_json = std::string(config.process_json),
                                                     .settings = config.guest.settings}));
  NewProcess made = TRY(state_->start({.verb = "exec",
                                       .id = config.id,
                                       .args = &process.args,
                                       .stdio = config.stdio,
                                       .cgroup = config.cgroup,
                                       .message = message.get(),
                                       .artifact = config.artifact,
                                       .memory_limit = config.memory_limit,
                                       .init = config.init,
                                       .stats = config.guest.stats,
                                       .report = config.guest.report,
                                       .namespaces = 0,
                                       .pid_namespace = {}}));
  TRY(follow_fork(made, label, native));
  UniqueFd console;
  auto ready = await_ready(made.control.get(), made.process, console);
  if (!ready) {
    discard(made.process);
    return std::move(ready).error();
  }
  return std::make_unique<LaunchedProcess>(std::move(made.process), std::move(made.control), std::move(console), std::move(*ready),
                                           native || label ? LaunchedProcess::Start::confirmed : LaunchedProcess::Start::sent);
}

}  // namespace wherry::sandbox
