// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init/guest.h"

#include <unistd.h>

#include <algorithm>

#include "runtime/artifact.h"
#include "wasi/program.h"

namespace wherry::sandbox {
namespace {

constexpr int kFailed = 1;

class WasmGuest : public Guest {
 public:
  explicit WasmGuest(std::unique_ptr<wasi::Program> program) : program_(std::move(program)) {}

  int run() override {
    const auto result = program_->run();
    if (!result) {
      (void)write_all(STDERR_FILENO, "error: " + result.error().to_string() + "\n", "standard error");
      return kFailed;
    }
    for (const std::string& value : result->values) (void)write_all(STDOUT_FILENO, value + "\n", "standard output");
    if (!result->report.empty()) (void)write_all(STDERR_FILENO, result->report, "standard error");
    return wasi::exit_status(*result);
  }

 private:
  const std::unique_ptr<wasi::Program> program_;
};

// The function that process.args[0] names after a '#' is ours, not the guest's.
std::vector<std::string> guest_args(std::vector<std::string> args) {
  if (!args.empty()) args[0].resize(std::min(args[0].size(), args[0].find('#')));
  return args;
}

}  // namespace

Result<std::unique_ptr<Guest>> load_guest(GuestConfig config) {
  auto artifact = TRY(runtime::Artifact::map(std::move(config.artifact)));
  wasi::ProgramConfig program;
  program.args = guest_args(std::move(config.args));
  program.env = std::move(config.env);
  program.preopens.push_back({.directory = std::move(config.root), .guest_path = "/", .is_root = true});
  program.invoke = std::move(config.invoke);
  program.changing_max_memory = config.max_memory;
  program.handle_signals = true;
  auto loaded = TRY(wasi::Program::load(std::move(artifact), std::move(program)));
  return std::unique_ptr<Guest>(new WasmGuest(std::move(loaded)));
}

}  // namespace wherry::sandbox
