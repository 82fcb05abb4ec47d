// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <cerrno>
#include <cstdio>

#include "cli/command.h"
#include "cli/listen.h"
#include "cli/module_file.h"
#include "cli/values.h"
#include "cli/wasmtime_options.h"
#include "engine/prepare.h"
#include "runtime/artifact.h"
#include "shim/toolbox.h"
#include "wasi/program.h"

namespace wherry::cli {
namespace {

constexpr Option kOptions[] = {
    {"dir", 'd', "HOST[::GUEST[::ro]]", "gives the guest a directory, as GUEST", set<&RunOptions::dirs>},
    {"env", 'e', "K[=V]", "sets a variable; without a value it is passed on", set<&RunOptions::env>},
    {"tcplisten", 0, "ADDR:PORT[,blocking]", "gives the guest a listening socket, fd 3 and on",
     call<RunOptions, add_listener>},
    {"allow-connect", 0, "RULES", "only there: api.example.com:443, 10.0.0.0/8, none",
     set<&RunOptions::allow_connect>},
    {"allow-listen", 0, "RULES", "binds only these: :8080, 127.0.0.1, none", set<&RunOptions::allow_listen>},
    {"invoke", 0, "F", "calls this export with ARGs [default: _start]", set<&RunOptions::invoke>},
    {"max-memory", 0, "SIZE", "memory.grow fails beyond it [default: 4GiB]", set<&RunOptions::max_memory>},
    {"max-stack", 0, "SIZE", "deeper recursion traps [default: 1MiB]", set<&RunOptions::max_stack>},
    {"timeout", 0, "TIME", "traps after so long [default: none]", set<&RunOptions::timeout>},
    {"cache", 0, "DIR", "[default: /var/cache/wherry, or your own ~/.cache/wherry]", set<&RunOptions::cache>},
    {"explicit-bounds-checks", 0, "", "compares addresses, no guard pages", set<&RunOptions::explicit_bounds_checks>},
    {"", 'W', "K=V", "wasmtime's: max-memory-size, max-wasm-stack, timeout", call<RunOptions, set_wasm_option>},
    {"", 'S', "K=V", "wasmtime's: tcplisten, inherit-env", call<RunOptions, set_host_option>},
};

// "HOST", "HOST::GUEST" or "HOST::GUEST::ro".
Result<wasi::Preopen> open_directory(const std::string& text) {
  const size_t first = text.find("::");
  const std::string host = text.substr(0, first);
  wasi::Preopen preopen{};
  preopen.guest_path = host;
  if (first != text.npos) {
    preopen.guest_path = text.substr(first + 2);
    if (preopen.guest_path.ends_with("::ro")) {
      preopen.read_only = true;
      preopen.guest_path.resize(preopen.guest_path.size() - 4);
    }
  }
  preopen.directory.reset(::open(host.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!preopen.directory) return os_error(errno, "--dir " + host);
  return preopen;
}

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable; ++variable) variables.emplace_back(*variable);
  return variables;
}

Result<config::NetworkFilter> parse_rules(std::string_view option, const std::string& rules, config::NetworkFilter::Direction direction) {
  auto filter = config::NetworkFilter::parse(rules, direction);
  if (!filter) return error(filter.error().kind, std::string(option) + ": " + filter.error().message);
  return filter;
}

Result<wasi::ProgramConfig> config_of(const RunOptions& options, const Arguments& arguments) {
  wasi::ProgramConfig config;
  config.args = arguments;
  config.args[0] = arguments[0].substr(arguments[0].rfind('/') + 1);
  if (options.inherit_env) config.env = environment();
  for (const std::string& variable : options.env) config.env.push_back(TRY(parse_variable(variable)));
  for (const std::string& directory : options.dirs) config.preopens.push_back(TRY(open_directory(directory)));
  for (const ListenAddress& address : options.listeners)
    config.listeners.push_back({TRY(listen_on(address)), address.blocking});
  for (const std::string& rules : options.allow_connect)
    config.policy.egress.push_back(TRY(parse_rules("--allow-connect", rules, config::NetworkFilter::Direction::egress)));
  for (const std::string& rules : options.allow_listen)
    config.policy.listen.push_back(TRY(parse_rules("--allow-listen", rules, config::NetworkFilter::Direction::listen)));
  config.invoke = options.invoke;
  if (options.max_memory) config.max_memory = options.max_memory->bytes;
  if (options.max_stack) config.max_stack = options.max_stack->bytes;
  if (options.timeout) config.timeout = *options.timeout;
  config.handle_signals = false;
  return config;
}

Result<std::unique_ptr<runtime::Artifact>> artifact_of(const RunOptions& options, const std::string& path, const UniqueFd& module) {
  engine::CacheConfig cache_config;
  cache_config.directory = options.cache;
  const auto cache = TRY(engine::Cache::open(std::move(cache_config)));
  engine::Prepared prepared =
      TRY(engine::prepare(*cache, module.get(), path, {.explicit_bounds_checks = options.explicit_bounds_checks}));
  if (!prepared.warning.empty()) std::fprintf(stderr, "warning: %s\n", prepared.warning.c_str());
  return runtime::Artifact::map(std::move(prepared.artifact));
}

Error in_file(const std::string& path, Error error) {
  error.message.insert(0, path + ": ");
  return error;
}

Result<int> run(const RunOptions& options, const Arguments& arguments) {
  wasi::ProgramConfig config = TRY(config_of(options, arguments));
  const UniqueFd module = TRY(open_module(arguments[0]));
  config.is_toolbox = shim::is_toolbox(shim::program_directory(), module.get());
  std::unique_ptr<runtime::Artifact> artifact = TRY(artifact_of(options, arguments[0], module));
  auto program = wasi::Program::load(std::move(artifact), std::move(config));
  if (!program) return in_file(arguments[0], program.error());
  const auto ran = (*program)->run();
  if (!ran) return in_file(arguments[0], ran.error());
  const wasi::ProgramResult& result = *ran;
  for (const std::string& value : result.values) std::puts(value.c_str());
  if (!result.report.empty()) std::fputs(result.report.c_str(), stderr);
  return wasi::exit_status(result);
}

}  // namespace

const Command kRun = {
    .name = "run",
    .arguments = "MODULE [ARG...]",
    .min_arguments = 1,
    .max_arguments = kAnyNumber,
    .order = Order::options_first,
    .summary = "runs a program",
    .details = "exit code: the program's own, 128+N after signal N, 134 after a trap",
    .options = kOptions,
    .examples = {"run --dir . --env LANG app.wasm input.txt",
                 "run --tcplisten 127.0.0.1:8080 --timeout 1.5s server.wasm"},
    .main = command_main<RunOptions, run>,
};

}  // namespace wherry::cli
