// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/exec.h"

#include <fcntl.h>

#include "ociruntime/console.h"
#include "ociruntime/exec_process.h"
#include "ociruntime/foreground.h"
#include "ociruntime/module.h"
#include "ociruntime/store.h"
#include "sandbox/guest_stats.h"
#include "sandbox/init.h"
#include "sandbox/mapped_files.h"
#include "sandbox/shared_limit.h"
#include "shim/task/exec_program.h"
#include "shim/toolbox.h"

namespace wherry::ociruntime {
namespace {

Result<void> check_supported(const CommandOptions& options) {
  const char* const option = options.ignore_paused ? "--ignore-paused" : !options.cgroup.empty() ? "--cgroup" : nullptr;
  if (option) return error(ErrorKind::unsupported, std::string(option) + " is not supported for a Wasm container");
  return check_preserved(options);
}

Result<void> check_takes_execs(const Entry& entry) {
  const Status status = status_of(entry);
  if (status == Status::running || status == Status::created) return {};
  return error(ErrorKind::failed_precondition, std::string("cannot exec in a ") + name_of(status) + " container");
}

// What is known of the container, and what shall run in it.
struct Exec {
  Record record;
  UniqueFd init;
  std::string spec_json, process_json;
  sandbox::Spec spec;
  sandbox::Process process;
  config::Settings settings;
  sandbox::Entrypoint program;
  shim::Module module;  // of a program that is one

  bool is_native() const { return sandbox::is_native(program.kind); }
};

Result<Exec> examine(const Entry& entry, const CommandOptions& options, std::span<const std::string> command) {
  TRY(check_takes_execs(entry));
  Exec exec;
  exec.record = entry.record();
  auto init = process_of(exec.record);
  if (!init) return error(ErrorKind::failed_precondition, "cannot exec in a stopped container");
  exec.init = std::move(*init);
  exec.spec_json = TRY(entry.config());
  exec.spec = TRY(sandbox::parse_spec(exec.spec_json));
  exec.process_json = TRY(exec_process(exec.spec_json, options, command));
  exec.process = TRY(sandbox::parse_process(exec.process_json));
  TRY(check_console(exec.process.terminal, options.detach, options.console_socket));
  exec.settings = TRY(config::Settings::from_message(exec.record.settings));
  return exec;
}

// Compiling may take a while, in which other commands can have the container.
Result<void> find_program(Exec& exec) {
  const auto toolbox = [](std::string_view name) { return shim::open_toolbox(shim::program_directory(), name); };
  exec.program = TRY(shim::find_exec_program(exec.process, exec.record.pid, exec.init.get(), exec.settings, toolbox));
  if (!exec.is_native()) exec.module = TRY(prepare_module(exec.record.id, exec.program, exec.settings.features));
  return {};
}

Result<std::unique_ptr<sandbox::LaunchedProcess>> launch(const Exec& exec, sandbox::Launcher& launcher, bool detach) {
  const auto cgroup = TRY(cgroup_of(exec.record));
  sandbox::ExecLaunchConfig config;
  config.id = exec.record.id;
  config.spec = &exec.spec;
  config.spec_json = exec.spec_json;
  config.process_json = exec.process_json;
  config.init = exec.init.get();
  config.cgroup = cgroup.get();
  for (int i = 0; i < 3; i++) config.stdio[i] = i;
  config.outlives = detach;
  if (exec.is_native()) {
    config.native_program = exec.program.path;
    return launcher.launch_exec(config);
  }
  const sandbox::MappedFiles pages = TRY(sandbox::MappedFiles::of(exec.record.pid));
  const UniqueFd limit = TRY(pages.open(sandbox::SharedLimit::kFileName, O_RDONLY));
  const UniqueFd stats = TRY(pages.open(sandbox::GuestStats::kFileName, O_RDWR));
  config.artifact = exec.module.artifact.get();
  config.invoke = exec.program.function;
  config.memory_limit = limit.get();
  config.is_toolbox = exec.program.is_toolbox;
  config.guest = {exec.record.settings, stats.get(), -1};
  return launcher.launch_exec(config);
}

Result<int> run(const GlobalOptions& global, const CommandOptions& options, const Exec& exec) {
  std::unique_ptr<Foreground> foreground;
  if (!options.detach) foreground = TRY(Foreground::create());
  const auto launcher = TRY(sandbox::Launcher::create());
  std::unique_ptr<sandbox::LaunchedProcess> process;
  {
    const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, exec.record.id));
    TRY(check_takes_execs(*entry));
    process = TRY(launch(exec, *launcher, options.detach));
    UniqueFd console = process->take_console();
    if (!options.console_socket.empty()) TRY(send_console(options.console_socket, std::move(console)));
    TRY(write_pid_file(options.pid_file, process->pid()));
    if (foreground) TRY(foreground->take_console(std::move(console)));
    TRY(process->start());
  }
  return foreground ? foreground->attend(process->pidfd()) : Result<int>(0);
}

Result<Exec> prepare(const GlobalOptions& global, const CommandOptions& options, const std::string& id, std::span<const std::string> command) {
  TRY(check_supported(options));
  const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
  return examine(*entry, options, command);
}

// In words that Podman and others look for.
Error exec_error(const Error& reason) {
  return error(reason.kind, "exec failed: unable to start container process: " + reason.to_string());
}

}  // namespace

Result<int> exec(const GlobalOptions& global, const CommandOptions& options, const std::string& id, std::span<const std::string> command) {
  Exec exec = TRY(prepare(global, options, id, command));
  if (auto found = find_program(exec); !found) return exec_error(found.error());
  auto code = run(global, options, exec);
  return code ? code : exec_error(code.error());
}

}  // namespace wherry::ociruntime
