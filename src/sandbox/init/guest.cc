// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init/guest.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/artifact.h"
#include "sandbox/init/denial_report.h"
#include "wasi/program.h"

namespace wherry::sandbox {
namespace {

constexpr int kFailed = 1;

class WasmGuest : public Guest {
 public:
  WasmGuest(std::unique_ptr<wasi::Program> program, GuestStatsPage* stats, bool summary)
      : program_(std::move(program)), stats_(stats), summary_(summary) {}

  int run() override {
    const auto result = program_->run();
    if (!result) {
      (void)write_all(STDERR_FILENO, "error: " + result.error().to_string() + "\n", "standard error");
      return kFailed;
    }
    for (const std::string& value : result->values) (void)write_all(STDOUT_FILENO, value + "\n", "standard output");
    if (!result->report.empty()) (void)write_all(STDERR_FILENO, result->report, "standard error");
    if (result->out_of_memory && stats_) stats_->out_of_memory.fetch_add(1, std::memory_order_relaxed);
    if (summary_ && stats_) (void)write_all(STDERR_FILENO, summary(), "standard error");
    return wasi::exit_status(*result);
  }

 private:
  std::string summary() const {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    const int64_t milliseconds = time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
    const runtime::MemoryGauge& memory = program_->memory();
    std::string text = "wherry: memory " + std::to_string(memory.used >> 10) + " KiB, refused to grow " + std::to_string(memory.refused) +
                       " times; processor time " + std::to_string(milliseconds) + " ms; denied:";
    uint64_t all = 0;
    for (size_t i = 0; i < wasi::kDenialKinds; i++) {
      const uint64_t count = stats_->counters.denied[i];
      if (count > 0) text.append(" ").append(wasi::kDenialWords[i]).append(" ").append(std::to_string(count));
      all += count;
    }
    return text + (all == 0 ? " nothing\n" : "\n");
  }

  const std::unique_ptr<wasi::Program> program_;
  GuestStatsPage* const stats_;
  const bool summary_;
};

// The function that process.args[0] names after a '#' is ours, not the guest's.
std::vector<std::string> guest_args(std::vector<std::string> args) {
  if (!args.empty()) args[0].resize(std::min(args[0].size(), args[0].find('#')));
  return args;
}

std::vector<std::string> guest_env(std::vector<std::string> env, const config::Settings& settings) {
  std::erase_if(env, [&](const std::string& variable) {
    const std::string_view name = std::string_view(variable).substr(0, variable.find('='));
    return std::any_of(settings.environment.begin(), settings.environment.end(), [&](const auto& filter) { return !filter.allows(name); });
  });
  return env;
}

// Directories that the image has not are none that its guest could miss: the list
// may be that of a whole node.
Result<std::vector<wasi::Preopen>> open_preopens(UniqueFd root, const config::Settings& settings, const std::function<void(std::string_view)>& warn) {
  std::vector<wasi::Preopen> preopens;
  if (!settings.preopens) {
    preopens.push_back({.directory = std::move(root), .guest_path = "/", .is_root = true});
    return preopens;
  }
  for (const config::PreopenPath& wanted : *settings.preopens) {
    UniqueFd directory(::openat(root.get(), ("." + wanted.path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory && errno == ENOENT) {
      if (warn) warn("preopens: there is no " + wanted.path);
      continue;
    }
    if (!directory) return os_error(errno, "preopens: " + wanted.path);
    preopens.push_back({.directory = std::move(directory), .guest_path = wanted.path, .read_only = wanted.read_only, .is_root = wanted.path == "/"});
  }
  return preopens;
}

wasi::Policy::Config policy_of(const config::Settings& settings, GuestStatsPage* stats, UniqueFd report) {
  wasi::Policy::Config policy;
  policy.egress = settings.egress;
  policy.listen = settings.listen;
  if (stats) policy.counters = &stats->counters;
  if (report) {
    const auto teller = std::make_shared<DenialReport>(std::move(report));
    policy.on_denial = [teller](wasi::Denial kind, std::string_view detail) { teller->tell(kind, detail); };
  }
  return policy;
}

// WASI has no working directory; the toolbox starts in the one that it finds here.
void tell_directory(std::vector<std::string>& env, const std::string& directory) {
  std::erase_if(env, [](const std::string& variable) { return variable.starts_with("PWD="); });
  env.push_back("PWD=" + directory);
}

}  // namespace

Result<std::unique_ptr<Guest>> load_guest(GuestConfig config) {
  const config::Settings& settings = config.settings;
  auto artifact = TRY(runtime::Artifact::map(std::move(config.artifact)));
  wasi::ProgramConfig program;
  program.args = guest_args(std::move(config.args));
  program.env = guest_env(std::move(config.env), settings);
  program.preopens = TRY(open_preopens(std::move(config.root), settings, config.warn));
  program.invoke = std::move(config.invoke);
  program.changing_max_memory = config.max_memory;
  program.max_memory = settings.memory;
  if (config.stats && config.is_init) program.gauge = &config.stats->memory;
  program.out_of_memory = settings.oom;
  program.max_stack = std::min(program.max_stack, settings.stack);
  program.trace_host_calls = settings.trace_host_calls;
  program.policy = policy_of(settings, config.stats, std::move(config.report));
  program.handle_signals = true;
  program.is_toolbox = config.is_toolbox;
  if (config.is_toolbox) tell_directory(program.env, config.directory);
  auto loaded = TRY(wasi::Program::load(std::move(artifact), std::move(program)));
  return std::unique_ptr<Guest>(new WasmGuest(std::move(loaded), config.stats, settings.print_summary));
}

}  // namespace wherry::sandbox
