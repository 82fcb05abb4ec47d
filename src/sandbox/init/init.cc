// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include "sandbox/hooks.h"
#include "sandbox/init/guest.h"
#include "sandbox/init/pause.h"
#include "sandbox/init/process_title.h"
#include "sandbox/init/steps.h"
#include "sandbox/new_process.h"
#include "sandbox/root_path.h"
#include "sandbox/shared_limit.h"

namespace wherry::sandbox {
namespace {

constexpr int kSetupFailed = 1;

// Ignored signals stay ignored across an exec (SIGPIPE in every shim).
void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction current;
    if (::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN) ::sigaction(number, &standard, nullptr);
  }
}

// The hooks of the process that launched us run while the namespaces exist and the
// root file system is still the host's; then ours.
Result<void> run_create_hooks(const InitContext& context) {
  if (!context.message.has_hooks) return {};
  TRY(say(kControlFd, Say::namespaces));
  const std::string answer = TRY(hear(kControlFd));
  if (answer.empty() || answer[0] != static_cast<char>(Say::go)) return error(ErrorKind::unavailable, "the shim is gone");
  return {};
}

Result<void> run_container_hooks(const InitContext& context) {
  if (context.spec.hooks.createContainer.empty()) return {};
  const HookState state{.id = context.message.id,
                        .status = "creating",
                        .pid = ::getpid(),
                        .bundle = context.message.bundle,
                        .spec = &context.spec};
  return run_hooks("createContainer", context.spec.hooks.createContainer, state);
}

// What the operator made read-only, which the image may not have.
void add_read_only_paths(InitContext& context, int root) {
  for (const std::string& path : context.settings.read_only) {
    if (!open_in_root(root, path, O_PATH)) context.warn("read-only: there is no " + path + ", so the guest could make it");
    context.spec.linux_.readonlyPaths.push_back(path);
  }
}

// The order matters: what needs the host's /proc or privileges comes before what
// takes them away.
Result<void> prepare(InitContext& context) {
  ::umask(0);
  TRY(set_oom_score(context));
  if (context.has_user_namespace()) TRY(make_room_for_rlimits(context));
  TRY(enter_namespaces(context));
  if (context.label && !context.label_file) context.label_file = TRY(open_label_file("thread-self", context.label->module, false));
  TRY(run_create_hooks(context));
  TRY(name_host(context));
  const UniqueFd root = TRY(take_root(context));
  TRY(make_mounts(context, root.get()));
  TRY(make_devices(context, root.get()));
  if (context.spec.process.terminal) {
    TRY(open_console(context, root.get()));
    TRY(bind_console(root.get()));
    TRY(control_console());
  }
  TRY(set_sysctls(context));
  TRY(run_container_hooks(context));
  add_read_only_paths(context, root.get());
  TRY(hide_paths(context, root.get()));
  TRY(pivot_into(context, root.get()));
  TRY(set_rlimits(context));
  TRY(drop_privileges(context));
  if (!TRY(restrict_paths(context))) context.warn("this kernel has no Landlock of version 2 or later");
  return {};
}

// The same for an exec. What the container's init has made is there already.
Result<void> prepare_exec(InitContext& context) {
  ::umask(0);
  TRY(set_oom_score(context));
  if (context.has_user_namespace()) TRY(make_room_for_rlimits(context));
  const bool native = context.is_native();
  if (native) own_streams(context.spec);
  TRY(join_container(context));
  {
    const UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return os_error(errno, "/");
    if (context.spec.process.terminal) TRY(open_console(context, root.get()));
    TRY(enter_directory(context, root.get()));
  }
  TRY(set_rlimits(context));
  if (native && context.spec.linux_.seccomp && !context.spec.process.noNewPrivileges) TRY(apply_seccomp(*context.spec.linux_.seccomp));
  TRY(native ? take_privileges(context) : drop_privileges(context));
  TRY(enter_pid_namespace(context));
  if (context.spec.process.terminal) TRY(control_console());
  if (native) return {};
  if (!TRY(restrict_paths(context))) context.warn("this kernel has no Landlock of version 2 or later");
  return {};
}

Result<std::unique_ptr<Guest>> load(InitContext& context, GuestLoader loader) {
  if (context.message.kind == InitKind::pause || context.message.kind == InitKind::native) return std::unique_ptr<Guest>();
  const Process& process = context.spec.process;
  GuestConfig config;
  if (context.message.has_artifact) config.artifact.reset(kArtifactFd);
  config.root.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!config.root) return os_error(errno, "/");
  config.args = process.args;
  config.env = process.env;
  config.invoke = context.message.invoke;
  config.settings = context.settings;
  config.warn = [&context](std::string_view line) { context.warn(line); };
  if (context.message.has_report) config.report.reset(kReportFd);
  if (context.message.has_stats) config.stats = TRY(map_guest_stats(UniqueFd(kStatsFd)));
  config.is_init = context.message.kind == InitKind::wasm;
  config.directory = process.cwd;
  config.is_toolbox = context.message.is_toolbox;
  if (context.message.has_memory_limit) config.max_memory = TRY(map_shared_limit(UniqueFd(kMemoryLimitFd)));
  return loader(std::move(config));
}

// Until the start comes, a signal that ends a process ends this one: its pid may be
// 1 of a namespace, for which the kernel would ignore it.
Result<void> wait_for_start(int socket, int signals) {
  pollfd events[] = {{socket, POLLIN, 0}, {signals, POLLIN, 0}};
  for (;;) {
    if (::poll(events, 2, -1) < 0 && errno != EINTR) return os_error(errno, "poll");
    // The start first: a signal that was sent after it belongs to the guest.
    if (events[0].revents) {
      const std::string packet = TRY(hear(socket));
      if (packet.empty()) ::_exit(128 + SIGKILL);  // nobody is left who could start us
      if (packet[0] == static_cast<char>(Say::start)) return {};
    }
    signalfd_siginfo info;
    if (events[1].revents && ::read(signals, &info, sizeof info) == sizeof info) {
      ::_exit(128 + static_cast<int>(info.ssi_signo));
    }
  }
}

// Those that end a guest.
sigset_t ending_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::sigaddset(&signals, number);
  return signals;
}

Result<UniqueFd> watch_signals() {
  const sigset_t signals = ending_signals();
  UniqueFd fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!fd) return os_error(errno, "signalfd");
  return fd;
}

const char* name_of(InitKind kind) {
  switch (kind) {
    case InitKind::wasm:
      return "wherry-init";
    case InitKind::pause:
      return "wherry-pause";
    case InitKind::exec:
    case InitKind::native:
      break;
  }
  return "wherry-exec";
}

bool joins(InitKind kind) { return kind == InitKind::exec || kind == InitKind::native; }

// The numbers are fixed; what there is none of was filled in.
void close_unused(const LaunchMessage& message) {
  if (!message.has_artifact) ::close(kArtifactFd);
  if (!message.has_memory_limit) ::close(kMemoryLimitFd);
  if (!joins(message.kind)) ::close(kInitPidFd);
  if (!message.has_start_socket) ::close(kStartFd);
  if (!message.has_stats) ::close(kStatsFd);
  if (!message.has_report) ::close(kReportFd);
}

Result<std::unique_ptr<Guest>> get_ready(GuestLoader loader, ProcessTitle title, InitContext& context) {
  {
    const UniqueFd config(kConfigFd);
    context.message = TRY(read_launch_message(config.get()));
  }
  const InitKind kind = context.message.kind;
  close_unused(context.message);
  const UniqueFd start_socket(context.message.has_start_socket ? kStartFd : -1);
  ::prctl(PR_SET_NAME, name_of(kind));
  context.spec = TRY(parse_spec(context.message.spec_json));
  context.settings = TRY(config::Settings::from_message(context.message.settings));
  if (joins(kind)) {
    Process process = TRY(parse_process(context.message.process_json));
    if (!process.oomScoreAdj) process.oomScoreAdj = context.spec.process.oomScoreAdj;
    inherit_label(process, context.spec.process);
    context.spec.process = std::move(process);
  }
  context.label = TRY(label_of(context.spec.process));
  title.set(context.spec.process.args);
  TRY(joins(kind) ? prepare_exec(context) : prepare(context));
  std::unique_ptr<Guest> guest = TRY(load(context, loader));
  const UniqueFd signals = TRY(watch_signals());
  // One that is not started yet ends with the other end of its control socket.
  if (context.message.outlives) ::prctl(PR_SET_PDEATHSIG, 0);
  if (kind != InitKind::native) TRY(restrict_system_calls());
  TRY(say(kControlFd, Say::ready, context.warnings, context.console.get()));
  context.console.reset();  // its end is the shim's to close
  if (start_socket) ::close(kControlFd);  // whoever launched us is about to end
  TRY(wait_for_start(start_socket ? start_socket.get() : kControlFd, signals.get()));
  return guest;
}

int say_failure(const Error& error) {
  (void)say(kControlFd, Say::error, error_to_text(error));
  return kSetupFailed;
}

}  // namespace

int run_init(GuestLoader loader, int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);  // others in a shared pid namespace can see it already
  reset_signals();
  InitContext context;
  auto guest = get_ready(loader, ProcessTitle(argc, argv), context);
  if (!guest) return say_failure(guest.error());
  if (context.is_native()) return say_failure(exec_program(context));
  if (auto done = apply_label(context); !done) {
    // Whoever launched us may be gone; the log is not.
    if (context.message.has_start_socket) (void)write_all(STDERR_FILENO, "error: " + done.error().to_string() + "\n", "standard error");
    return context.message.has_start_socket ? kSetupFailed : say_failure(done.error());
  }
  ::close(kControlFd);
  if (context.message.kind == InitKind::pause) return run_pause();
  // Processes that native execs leave come to the first of a pid namespace; this one
  // has no children of its own, and the kernel reaps for who ignores their ends.
  ::signal(SIGCHLD, SIG_IGN);
  // These stay blocked until the guest looks for them: unblocked and unhandled, the
  // first process of a pid namespace would lose them.
  const sigset_t blocked = ending_signals();
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
  // Never destroyed: the process is about to end, and unmapping takes time.
  return guest->release()->run();
}

bool is_init(int argc, char** argv) {
  if (argc != 4 || std::string_view(argv[0]) != kProcessName) return false;
  const std::string_view verb = argv[1];
  return verb == "init" || verb == "exec";
}

int init_main(int argc, char** argv) {
  return run_init(load_guest, argc, argv);
}

}  // namespace wherry::sandbox
