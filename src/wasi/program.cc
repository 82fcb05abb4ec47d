// SPDX-License-Identifier: Apache-2.0
#include "wasi/program.h"

#include <optional>

#include "runtime/linker.h"
#include "wasi/host/process_files.h"
#include "wasi/host/socket.h"
#include "wasi/imports.h"
#include "wasi/invoke.h"
#include "wasi/watcher.h"

namespace wherry::wasi {
namespace {

constexpr uint64_t kMaxStrings = 1 << 20;             // of arguments and environment each
constexpr uint64_t kMaxStringBytes = uint64_t{64} << 20;
constexpr size_t kMaxReportedFrames = 10;
constexpr uint32_t kOutOfMemory = 1001;  // the reason of an interruption, beside Watcher's
constexpr std::string_view kStart = "_start";
constexpr std::string_view kInitialize = "_initialize";

Error host_error(Errno code, std::string_view what) {
  return error(ErrorKind::denied, std::string(what) + ": can not be given to the guest: " + std::string(name_of(code)));
}

Result<void> add(Host& host, Io<Descriptor> descriptor, std::string_view what) {
  if (!descriptor) return host_error(descriptor.error(), what);
  const Io<uint32_t> number = host.files.add(std::move(*descriptor));
  if (!number) return host_error(number.error(), what);
  return {};
}

Result<void> check_size(const std::vector<std::string>& strings, std::string_view what) {
  uint64_t bytes = 0;
  for (const std::string& text : strings) {
    if (text.find('\0') != std::string::npos) return error(ErrorKind::invalid, std::string(what) + " with a NUL");
    bytes += text.size() + 1;
  }
  if (strings.size() > kMaxStrings || bytes > kMaxStringBytes) {
    return error(ErrorKind::exhausted, std::string(what) + ": more than " + std::to_string(kMaxStringBytes) + " bytes");
  }
  return {};
}

}  // namespace

int exit_status(const ProgramResult& result) {
  switch (result.kind) {
    case ProgramResult::Kind::exited:
      return result.code & 0xff;
    case ProgramResult::Kind::signalled:
      return 128 + result.code;
    case ProgramResult::Kind::trapped:
      return result.out_of_memory ? 137 : 134;
  }
  return 134;
}

Program::Program(std::unique_ptr<runtime::Artifact> artifact, ProgramConfig config)
    : artifact_(std::move(artifact)), config_(std::move(config)) {}

Program::~Program() = default;

Result<std::unique_ptr<Program>> Program::load(std::unique_ptr<runtime::Artifact> artifact, ProgramConfig config) {
  std::unique_ptr<Program> program(new Program(std::move(artifact), std::move(config)));
  TRY(program->check_strings());
  runtime::Linker linker;
  if (program->config_.trace_host_calls) program->trace_ = std::make_unique<CallTrace>();
  const GuestKind kind = program->config_.is_toolbox ? GuestKind::toolbox : GuestKind::any;
  TRY(define_imports(*program->artifact_, kind, program->guest_, linker, program->trace_.get()));
  TRY(program->find_entry());
  TRY(program->open_descriptors());

  runtime::StoreConfig limits;
  limits.max_memory = program->config_.max_memory;
  limits.changing_max_memory = program->config_.changing_max_memory;
  if (!program->config_.gauge) program->config_.gauge = &program->own_gauge_;
  limits.gauge = program->config_.gauge;
  if (program->config_.out_of_memory == config::OnOutOfMemory::kill) limits.refusal_interrupt = kOutOfMemory;
  limits.max_stack = program->config_.max_stack;
  program->store_ = TRY(runtime::Store::create(limits));
  Host& host = program->guest_.host;
  host.wake.fd = TRY(program->store_->wake_fd());
  host.wake.owner = program->store_.get();
  host.wake.is_interrupted = [](const void* store) {
    return static_cast<const runtime::Store*>(store)->interrupt_reason() != 0;
  };
  program->instance_ = TRY(runtime::Instance::link(*program->store_, *program->artifact_, linker));
  return program;
}

Result<void> Program::check_strings() const {
  TRY(check_size(config_.args, "arguments"));
  return check_size(config_.env, "environment");
}

Result<void> Program::open_descriptors() {
  Host& host = guest_.host;
  host.policy = Policy(config_.policy);
  if (host.policy.has_names()) {
    Io<std::unique_ptr<PinnedNames>> names = PinnedNames::create();
    if (!names) return host_error(names.error(), "names of hosts");
    host.names = std::move(*names);
  }
  host.args = config_.args;
  host.env = config_.env;
  for (int fd = 0; fd < 3; fd++) TRY(add(host, stdio(fd), "standard input or output"));
  for (Listener& listener : config_.listeners) {
    TRY(add(host, socket_adopt(std::move(listener.socket), listener.blocking), "listening socket"));
  }
  for (Preopen& preopen : config_.preopens) {
    const auto scope = preopen.is_root ? Descriptor::Scope::in_root : Descriptor::Scope::beneath;
    const std::string path = preopen.guest_path;
    PreopenedDirectory directory{std::move(preopen.directory), std::move(preopen.guest_path), preopen.read_only, scope};
    TRY(add(host, preopened_directory(std::move(directory)), path));
  }
  if (config_.is_toolbox) {
    Io<Descriptor> processes = process_directory();
    if (processes) TRY(add(host, std::move(processes), "/proc"));
  }
  return {};
}

// _start has the type () -> (); a library has _initialize instead and needs a
// function to be named.
Result<void> Program::find_entry() {
  const bool invoked = !config_.invoke.empty();
  const std::string wanted = invoked ? config_.invoke : std::string(kStart);
  bool has_initialize = false;
  for (const runtime::ExportType& item : artifact_->exports()) {
    if (item.kind != wasm::ExternKind::func) continue;
    has_initialize |= item.name == kInitialize;
    if (item.name != wanted) continue;
    const auto& type = std::get<wasm::FuncType>(item.type);
    if (!invoked && (!type.params.empty() || !type.results.empty())) {
      return error(ErrorKind::invalid, "`_start` has the type " + to_string(type) + ", expected () -> ()");
    }
    entry_ = wanted;
  }
  if (!entry_.empty()) return {};
  if (invoked) return error(ErrorKind::not_found, "no exported function `" + wanted + "`");
  return error(ErrorKind::not_found, has_initialize
                                         ? "a library, without `_start`: a function to call must be named"
                                         : "no exported function `_start`: not a command");
}

Result<ProgramResult> Program::run() {
  std::vector<abi::Value> args;
  if (!config_.invoke.empty()) {
    const std::span<const std::string> texts(config_.args);
    args = TRY(parse_arguments(instance_->exported_function(entry_)->type(), texts.subspan(texts.empty() ? 0 : 1)));
  }
  const PipeSignalIgnored pipe_signal_ignored;
  std::unique_ptr<Watcher> watcher;
  if (config_.handle_signals || config_.timeout.count() > 0) {
    watcher = TRY(Watcher::create(*store_, {config_.handle_signals, config_.timeout}));
  }
  return start(args);
}

ProgramResult Program::start(const std::vector<abi::Value>& args) {
  std::vector<std::string> values;
  Result<void, Trap> done = instance_->initialize();
  if (done) done = call_entry(args, values);
  if (done) {
    ProgramResult result;
    result.values = std::move(values);
    return result;
  }
  return trapped(done.error());
}

Result<void, Trap> Program::call_entry(const std::vector<abi::Value>& args, std::vector<std::string>& values) {
  if (!config_.invoke.empty() && entry_ != kInitialize) {
    if (const auto initialize = instance_->exported_function(kInitialize)) TRY(initialize->call({}, {}));
  }
  const runtime::Function entry = *instance_->exported_function(entry_);
  const wasm::FuncType& type = entry.type();
  std::vector<abi::Value> results(type.results.size());
  TRY(entry.call(args, results));
  for (size_t i = 0; i < results.size(); i++) values.push_back(format_value(type.results[i], results[i]));
  return {};
}

// What looks like a trap to the runtime may be the guest's own end, or ours to
// it.
ProgramResult Program::trapped(Trap trap) {
  ProgramResult result;
  if (guest_.ending) {
    const bool exited = guest_.ending->kind == Ending::Kind::exited;
    result.kind = exited ? ProgramResult::Kind::exited : ProgramResult::Kind::signalled;
    result.code = static_cast<int>(guest_.ending->code);
    return result;
  }
  const uint32_t reason = store_->interrupt_reason();
  if (trap == Trap::interrupted && reason != 0 && reason < Watcher::kTimeout) {
    result.kind = ProgramResult::Kind::signalled;
    result.code = static_cast<int>(reason);
    return result;
  }
  result.kind = ProgramResult::Kind::trapped;
  std::vector<runtime::Frame> frames = store_->backtrace();
  const size_t more = frames.size() > kMaxReportedFrames ? frames.size() - kMaxReportedFrames : 0;
  frames.resize(frames.size() - more);
  const bool timed_out = trap == Trap::interrupted && reason == Watcher::kTimeout;
  const bool killed = trap == Trap::interrupted && reason == kOutOfMemory;
  result.out_of_memory = !timed_out && ran_out_of_memory();
  const std::string reason_text = timed_out ? "the time limit is over" : killed ? "out of memory" : to_string(trap);
  result.report = "trap: " + reason_text + "\n";
  if (result.out_of_memory) result.report += "the guest's memory was at its limit and could not grow\n";
  result.report += runtime::to_string(frames);
  if (more > 0) result.report += "    ... " + std::to_string(more) + " more\n";
  return result;
}

// A guest that is refused memory and traps has most likely given up for that.
bool Program::ran_out_of_memory() const {
  if (config_.out_of_memory == config::OnOutOfMemory::deny) return false;
  return config_.gauge->refused.load(std::memory_order_relaxed) > 0;
}

void Program::interrupt(int signal) { store_->interrupt(static_cast<uint32_t>(signal)); }

}  // namespace wherry::wasi
