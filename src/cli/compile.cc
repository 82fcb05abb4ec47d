// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "cli/command.h"
#include "cli/copy_file.h"
#include "cli/module_file.h"
#include "cli/values.h"
#include "engine/prepare.h"

namespace wherry::cli {
namespace {

struct CompileCommandOptions {
  std::string output;
  std::string cache;
  bool explicit_bounds_checks = false;
  bool quiet = false;
};

constexpr Option kOptions[] = {
    {"output", 'o', "FILE", "copies the artifact, for objdump, perf and gdb", set<&CompileCommandOptions::output>},
    {"cache", 0, "DIR", "[default: /var/cache/wherry, or your own ~/.cache/wherry]",
     set<&CompileCommandOptions::cache>},
    {"explicit-bounds-checks", 0, "", "compares addresses, no guard pages",
     set<&CompileCommandOptions::explicit_bounds_checks>},
    {"quiet", 'q', "", "prints errors only", set<&CompileCommandOptions::quiet>},
};

// A line on a terminal that the next one overwrites.
class Progress {
 public:
  explicit Progress(bool quiet) : shown_(!quiet && ::isatty(STDERR_FILENO)) {}
  ~Progress() { clear(); }
  bool shown() const { return shown_; }
  void show(const std::string& text) {
    if (!shown_) return;
    std::fprintf(stderr, "\r\033[K%s", text.substr(0, columns() - 1).c_str());
    dirty_ = true;
  }
  // "[#####...............]  25 % of 1.2 MiB  app.wasm"
  void show_bar(const std::string& text, uint64_t done, uint64_t total) {
    constexpr uint64_t kWidth = 20;
    const double part = total ? static_cast<double>(done) / static_cast<double>(total) : 0;
    std::string bar(static_cast<size_t>(part * kWidth), '#');
    bar.resize(kWidth, '.');
    std::array<char, 16> percent;
    std::snprintf(percent.data(), percent.size(), "%3.0f %%", part * 100);
    show("[" + bar + "] " + percent.data() + " of " + format_size(total) + "  " + text);
  }
  void clear() {
    if (dirty_) std::fputs("\r\033[K", stderr);
    dirty_ = false;
  }

 private:
  // A longer line would wrap, and the next one overwrite its second half only.
  static size_t columns() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
  }

  const bool shown_;
  bool dirty_ = false;
};

struct Total {
  size_t modules = 0, compiled = 0, failed = 0;
  uint64_t bytes = 0, artifact_bytes = 0, nanoseconds = 0;
};

// "23.4 MB/s"; empty for so few bytes that it would be the time of a start.
std::string rate(uint64_t bytes, uint64_t nanoseconds) {
  constexpr uint64_t kFew = 64 << 10;
  if (bytes < kFew || nanoseconds == 0) return "";
  std::array<char, 32> text;
  const double rate = static_cast<double>(bytes) * 1e3 / static_cast<double>(nanoseconds);
  std::snprintf(text.data(), text.size(), ", %.1f MB/s", rate);
  return text.data();
}

void print_row(const std::string& path, const engine::Prepared& prepared) {
  const std::string time = prepared.cached ? "in the cache"
                                           : format_duration(std::chrono::nanoseconds(prepared.compile_ns)) +
                                                 rate(prepared.module_size, prepared.compile_ns);
  std::printf("%s: %s -> %s, %s\n", path.c_str(), format_size(prepared.module_size).c_str(),
              format_size(prepared.artifact_size).c_str(), time.c_str());
}

Result<engine::Prepared> compile_one(engine::Cache& cache, const CompileCommandOptions& options,
                                     const std::string& path, const engine::TellProgress& tell) {
  const UniqueFd module = TRY(open_module(path));
  return engine::prepare(cache, module.get(), path, {.explicit_bounds_checks = options.explicit_bounds_checks}, tell);
}

Result<void> finish(const CompileCommandOptions& options, const std::string& path, const engine::Prepared& prepared,
                    Total& total) {
  if (!prepared.warning.empty()) {
    // Then nothing is kept, and without a copy the work was for nothing.
    if (options.output.empty()) return error(ErrorKind::unavailable, path + ": " + prepared.warning);
    std::fprintf(stderr, "warning: %s\n", prepared.warning.c_str());
  }
  if (!options.output.empty()) TRY(copy_file(prepared.artifact.get(), options.output));
  if (!options.quiet) print_row(path, prepared);
  total.artifact_bytes += prepared.artifact_size;
  if (prepared.cached) return {};
  ++total.compiled;
  total.bytes += prepared.module_size;
  total.nanoseconds += prepared.compile_ns;
  return {};
}

Result<int> compile(const CompileCommandOptions& options, const Arguments& arguments) {
  if (!options.output.empty() && arguments.size() > 1)
    return error(ErrorKind::invalid, "--output is for one module, not for " + std::to_string(arguments.size()));
  engine::CacheConfig config;
  config.directory = options.cache;
  const auto cache = TRY(engine::Cache::open(std::move(config)));
  Progress progress(options.quiet);
  Total total;
  for (const std::string& path : arguments) {
    const std::string what = "[" + std::to_string(++total.modules) + "/" + std::to_string(arguments.size()) + "] compiling " + path;
    progress.show(what);
    const auto bar = [&](uint64_t done, uint64_t bytes) { progress.show_bar(what, done, bytes); };
    const auto prepared = compile_one(*cache, options, path, progress.shown() ? bar : engine::TellProgress());
    progress.clear();
    const auto done = prepared ? finish(options, path, *prepared, total) : Result<void>(prepared.error());
    if (done) continue;
    report(done.error());
    ++total.failed;
  }
  if (!options.quiet && arguments.size() > 1) {
    std::printf("%zu modules, %zu compiled, %zu failed", total.modules, total.compiled, total.failed);
    if (total.compiled > 0)
      std::printf("; %s in %s%s", format_size(total.bytes).c_str(),
                  format_duration(std::chrono::nanoseconds(total.nanoseconds)).c_str(),
                  rate(total.bytes, total.nanoseconds).c_str());
    std::printf("; artifacts %s\n", format_size(total.artifact_bytes).c_str());
  }
  return total.failed == 0 ? 0 : kFailure;
}

}  // namespace

const Command kCompile = {
    .name = "compile",
    .arguments = "MODULE...",
    .min_arguments = 1,
    .max_arguments = kAnyNumber,
    .order = Order::any,
    .summary = "compiles modules ahead of time into the cache",
    .details = "",
    .options = kOptions,
    .examples = {"compile app.wasm", "compile -o app.elf app.wasm && objdump -d app.elf"},
    .main = command_main<CompileCommandOptions, compile>,
};

}  // namespace wherry::cli
