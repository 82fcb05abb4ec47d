// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/commands.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "cli/suggest.h"
#include "ociruntime/container.h"
#include "ociruntime/delegate.h"
#include "ociruntime/events.h"
#include "ociruntime/exec.h"
#include "ociruntime/foreground.h"
#include "shim/info.h"

namespace wherry::ociruntime {
namespace {

using cli::Option;

constexpr size_t kAny = ~size_t{0};
constexpr int kUsageError = 2;
constexpr int kExecFailed = 255;  // as runc has it: no program was run that could have ended so

constexpr Option kGlobal[] = {
    {"root", 0, "DIR", "where containers are kept track of [default: /run/wherry]", cli::set<&GlobalOptions::root>},
    {"log", 0, "FILE", "errors go there too", cli::set<&GlobalOptions::log>},
    {"log-format", 0, "FORMAT", "of that file: text or json", cli::set<&GlobalOptions::log_format>},
    {"debug", 0, "", "passed on to runc", cli::set<&GlobalOptions::debug>},
    {"systemd-cgroup", 0, "", "understood; the form of cgroupsPath decides", cli::set<&GlobalOptions::systemd_cgroup>},
    {"rootless", 0, "MODE", "", cli::set<&GlobalOptions::ignored>},
    {"criu", 0, "PATH", "", cli::set<&GlobalOptions::ignored>},
    {"version", 'v', "", "prints the version", cli::set<&GlobalOptions::version>},
};

constexpr Option kBundle = {"bundle", 'b', "DIR", "the bundle [default: .]", cli::set<&CommandOptions::bundle>};
constexpr Option kPidFile = {"pid-file", 0, "FILE", "gets the number of the container's process", cli::set<&CommandOptions::pid_file>};
constexpr Option kConsole = {"console-socket", 0, "PATH", "gets the terminal", cli::set<&CommandOptions::console_socket>};
constexpr Option kNoPivot = {"no-pivot", 0, "", "", cli::set<&CommandOptions::ignored>};
constexpr Option kNoKeyring = {"no-new-keyring", 0, "", "", cli::set<&CommandOptions::ignored>};
constexpr Option kPreserve = {"preserve-fds", 0, "N", "", cli::set<&CommandOptions::preserve_fds>};

constexpr Option kCreate[] = {kBundle, kPidFile, kConsole, kNoPivot, kNoKeyring, kPreserve};
constexpr Option kRun[] = {kBundle, kPidFile, kConsole, kNoPivot, kNoKeyring, kPreserve,
                           {"detach", 'd', "", "returns when the program runs", cli::set<&CommandOptions::detach>},
                           {"keep", 0, "", "does not delete the container at its end", cli::set<&CommandOptions::keep>},
                           {"no-subreaper", 0, "", "", cli::set<&CommandOptions::ignored>}};
constexpr Option kKill[] = {{"all", 'a', "", "all processes of the container", cli::set<&CommandOptions::all>}};
constexpr Option kDelete[] = {{"force", 'f', "", "kills what runs", cli::set<&CommandOptions::force>}};
constexpr Option kList[] = {{"format", 'f', "FORMAT", "table or json", cli::set<&CommandOptions::format>},
                            {"quiet", 'q', "", "only the ids", cli::set<&CommandOptions::quiet>}};
constexpr Option kExec[] = {
    kPidFile,
    kConsole,
    kPreserve,
    {"process", 'p', "FILE", "the specification's `process` as JSON, in place of the options below", cli::set<&CommandOptions::process>},
    {"detach", 'd', "", "returns when the program runs", cli::set<&CommandOptions::detach>},
    {"tty", 't', "", "gives it a terminal", cli::set<&CommandOptions::terminal>},
    {"cwd", 0, "DIR", "working directory", cli::set<&CommandOptions::cwd>},
    {"env", 'e', "NAME=VALUE", "one more variable; may be repeated", cli::set<&CommandOptions::env>},
    {"user", 'u', "UID[:GID]", "", cli::set<&CommandOptions::user>},
    {"additional-gids", 'g', "GID", "may be repeated", cli::set<&CommandOptions::additional_gids>},
    {"cap", 'c', "NAME", "one more capability; may be repeated", cli::set<&CommandOptions::cap>},
    {"no-new-privs", 0, "", "gains no privileges by execve", cli::set<&CommandOptions::no_new_privs>},
    {"apparmor", 0, "PROFILE", "", cli::set<&CommandOptions::apparmor>},
    {"process-label", 0, "LABEL", "of SELinux", cli::set<&CommandOptions::process_label>},
    {"ignore-paused", 0, "", "native containers only", cli::set<&CommandOptions::ignore_paused>},
    {"cgroup", 0, "PATH", "native containers only", cli::set<&CommandOptions::cgroup>},
};
constexpr Option kEvents[] = {{"stats", 0, "", "statistics of now, once", cli::set<&CommandOptions::stats>},
                              {"interval", 0, "TIME", "between two lines of statistics [default: 5s]", cli::set<&CommandOptions::interval>}};
constexpr Option kPs[] = {{"format", 'f', "FORMAT", "table or json", cli::set<&CommandOptions::format>}};
constexpr Option kUpdate[] = {
    {"resources", 'r', "FILE", "linux.resources as JSON, - for standard input", cli::set<&CommandOptions::resources>},
    {"memory", 0, "BYTES", "", cli::set<&CommandOptions::memory>},
    {"memory-swap", 0, "BYTES", "", cli::set<&CommandOptions::memory_swap>},
    {"memory-reservation", 0, "BYTES", "", cli::set<&CommandOptions::memory_reservation>},
    {"cpu-period", 0, "US", "", cli::set<&CommandOptions::cpu_period>},
    {"cpu-quota", 0, "US", "", cli::set<&CommandOptions::cpu_quota>},
    {"cpu-share", 0, "N", "", cli::set<&CommandOptions::cpu_share>},
    {"cpuset-cpus", 0, "LIST", "", cli::set<&CommandOptions::cpuset_cpus>},
    {"cpuset-mems", 0, "LIST", "", cli::set<&CommandOptions::cpuset_mems>},
    {"pids-limit", 0, "N", "", cli::set<&CommandOptions::pids_limit>},
};

struct Invocation {
  const GlobalOptions& global;
  const CommandOptions& options;
  const std::vector<std::string>& arguments;
  const std::string& id() const { return arguments[0]; }
};

// The numbers of signals as people write them: 9, KILL, SIGKILL.
Result<int> signal_number(const std::string& text) {
  int number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && number > 0 && number <= SIGRTMAX) return number;
  const std::string name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int i = 1; i < NSIG; i++) {
    const char* const known = ::sigabbrev_np(i);
    if (known && name == known) return i;
  }
  return error(ErrorKind::invalid, "no such signal: " + text);
}

Result<int> done(Result<void> result) {
  TRY(std::move(result));
  return 0;
}

Result<int> printed(Result<std::string> text) {
  TRY(write_all(STDOUT_FILENO, TRY(std::move(text)), "stdout"));
  return 0;
}

Result<int> do_create(const Invocation& call) {
  TRY(create(call.global, call.options, call.id(), true));
  return 0;
}
Result<int> do_start(const Invocation& call) { return done(start(call.global, call.id())); }
Result<int> do_state(const Invocation& call) { return printed(state(call.global, call.id())); }
Result<int> do_delete(const Invocation& call) { return done(remove(call.global, call.id(), call.options.force)); }
Result<int> do_pause(const Invocation& call) { return done(pause(call.global, call.id(), true)); }
Result<int> do_resume(const Invocation& call) { return done(pause(call.global, call.id(), false)); }
Result<int> do_update(const Invocation& call) { return done(update(call.global, call.options, call.id())); }
Result<int> do_list(const Invocation& call) { return printed(list(call.global, call.options)); }
Result<int> do_ps(const Invocation& call) { return printed(processes(call.global, call.options, call.id())); }
Result<int> do_features(const Invocation&) { return printed(shim::features() + "\n"); }

Result<int> do_kill(const Invocation& call) {
  const int signal = TRY(signal_number(call.arguments.size() > 1 ? call.arguments[1] : "SIGTERM"));
  return done(kill(call.global, call.id(), signal, call.options.all));
}

Result<int> do_exec(const Invocation& call) {
  return exec(call.global, call.options, call.id(), std::span(call.arguments).subspan(1));
}

Result<int> do_events(const Invocation& call) { return done(events(call.global, call.options, call.id())); }

Result<int> run_to_end(const Invocation& call, UniqueFd console) {
  const UniqueFd init = TRY(init_of(call.global, call.id()));
  const auto foreground = TRY(Foreground::create());
  TRY(foreground->take_console(std::move(console)));
  TRY(start(call.global, call.id()));
  return foreground->attend(init.get());
}

Result<int> do_run(const Invocation& call) {
  // The container's process becomes our child when the thread that made it is gone.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  UniqueFd console = TRY(create(call.global, call.options, call.id(), call.options.detach));
  if (call.options.detach) return done(start(call.global, call.id()));
  auto code = run_to_end(call, std::move(console));
  if (!call.options.keep) TRY(remove(call.global, call.id(), true));
  return code;
}

struct Command {
  std::string_view name;
  std::string_view arguments;
  size_t min_arguments, max_arguments;
  std::string_view summary;
  std::span<const Option> options;
  Result<int> (*run)(const Invocation&);
  cli::Order order = cli::Order::any;
  int failure = 1;  // the exit code of what could not be done
};

constexpr Command kCommands[] = {
    {"create", "ID", 1, 1, "makes a container, which waits for its start", kCreate, do_create},
    {"start", "ID", 1, 1, "runs the program of a created container", {}, do_start},
    {"run", "ID", 1, 1, "create and start in one, and waits for the end", kRun, do_run},
    {"state", "ID", 1, 1, "prints the state as JSON", {}, do_state},
    {"kill", "ID [SIGNAL]", 1, 2, "sends a signal [default: SIGTERM]", kKill, do_kill},
    {"delete", "ID", 1, 1, "does away with what a container that ended has left", kDelete, do_delete},
    {"pause", "ID", 1, 1, "freezes a container", {}, do_pause},
    {"resume", "ID", 1, 1, "thaws it", {}, do_resume},
    {"update", "ID", 1, 1, "changes limits", kUpdate, do_update},
    {"list", "", 0, 0, "lists containers", kList, do_list},
    {"ps", "ID", 1, 1, "lists the processes of a container", kPs, do_ps},
    {"features", "", 0, 0, "prints what this runtime can do as JSON", {}, do_features},
    {"exec", "ID [COMMAND [ARG...]]", 1, kAny, "runs another program in a container", kExec, do_exec, cli::Order::options_first, kExecFailed},
    {"events", "ID", 1, 1, "prints statistics, and when memory runs out, as JSON", kEvents, do_events},
};

void print_help(std::FILE* to) {
  std::fputs("An OCI runtime for WebAssembly: what Podman and CRI-O call instead of runc.\n\nUsage: wherry-oci [OPTIONS] COMMAND [OPTIONS] [ARG...]\n\nCommands:\n", to);
  for (const Command& command : kCommands) {
    const std::string usage = std::string(command.name) + " " + std::string(command.arguments);
    std::fprintf(to, "  %-20s %s\n", usage.c_str(), std::string(command.summary).c_str());
  }
  std::fputs("\nOptions:\n", to);
  for (const Option& option : kGlobal) {
    if (option.help.empty()) continue;
    const std::string usage = "--" + std::string(option.name) + " " + std::string(option.metavar);
    std::fprintf(to, "  %-20s %s\n", usage.c_str(), std::string(option.help).c_str());
  }
}

void print_help_of(const Command& command) {
  std::printf("Usage: wherry-oci %s [OPTIONS] %s\n\n%s\n\nOptions:\n", std::string(command.name).c_str(), std::string(command.arguments).c_str(), std::string(command.summary).c_str());
  for (const Option& option : command.options) {
    const std::string letter = option.letter ? std::string("-") + option.letter + ", " : "    ";
    const std::string usage = letter + "--" + std::string(option.name) + " " + std::string(option.metavar);
    std::printf("  %-26s %s\n", usage.c_str(), std::string(option.help).c_str());
  }
}

// On standard error, and in the log that the caller looks at.
int report(const GlobalOptions& global, const Error& error) {
  const std::string message = error.to_string();
  std::fprintf(stderr, "error: %s\n", message.c_str());
  if (global.log.empty()) return 1;
  char time[64];
  const time_t now = ::time(nullptr);
  tm parts{};
  ::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", ::gmtime_r(&now, &parts));
  const nlohmann::ordered_json json{{"level", "error"}, {"msg", message}, {"time", time}};
  const std::string line = global.log_format == "json" ? json_text(json) + "\n"
                                                       : "time=\"" + std::string(time) + "\" level=error msg=" + json_text(nlohmann::json(message)) + "\n";
  const UniqueFd fd(::open(global.log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (fd) (void)write_all(fd.get(), line, global.log);
  return 1;
}

int usage_error(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return kUsageError;
}

// What runc gets to see after its own global options.
std::vector<std::string> words_of(std::span<char* const> words) { return {words.begin(), words.end()}; }

bool belongs_to_runc(const GlobalOptions& global, const Command& command, const CommandOptions& options, const std::vector<std::string>& arguments,
                     Result<bool>& native) {
  const bool makes = command.name == "create" || command.name == "run";
  if (!makes) return !arguments.empty() && is_delegated(global, arguments[0]);
  native = is_native(options.bundle);
  return native && *native;
}

int run_command(const GlobalOptions& global, const Command& command, std::span<char* const> words) {
  CommandOptions options;
  const auto parsed = cli::parse(command.options, &options, words.subspan(1), command.order);
  if (!parsed) return usage_error("wherry-oci " + std::string(command.name) + ": " + parsed.error().message);
  if (parsed->help) {
    print_help_of(command);
    return 0;
  }
  const size_t count = parsed->arguments.size();
  if (count < command.min_arguments || count > command.max_arguments) {
    return usage_error("wherry-oci " + std::string(command.name) + ": expected " + (command.arguments.empty() ? "no arguments" : std::string(command.arguments)));
  }
  Result<bool> native = false;
  if (belongs_to_runc(global, command, options, parsed->arguments, native)) return report(global, delegate(global, words_of(words)));
  if (!native) return report(global, native.error());
  const auto code = command.run({global, options, parsed->arguments});
  if (code) return *code;
  (void)report(global, code.error());
  return command.failure;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> words(argv + std::min(argc, 1), argv + argc);
  GlobalOptions global;
  const auto parsed = cli::parse(kGlobal, &global, words, cli::Order::options_first);
  if (!parsed) return usage_error("wherry-oci: " + parsed.error().message);
  if (global.version) {
    std::printf("wherry-oci version %s\nspec: 1.2.0\n", shim::version());
    return 0;
  }
  if (parsed->help || parsed->arguments.empty()) {
    print_help(parsed->help ? stdout : stderr);
    return parsed->help ? 0 : kUsageError;
  }
  const size_t first = words.size() - parsed->arguments.size();
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) {
    if (command.name == parsed->arguments[0]) return run_command(global, command, std::span(words).subspan(first));
    names.push_back(command.name);
  }
  return usage_error("unknown command `" + parsed->arguments[0] + "`" + cli::suggestion(parsed->arguments[0], names));
}

}  // namespace wherry::ociruntime
