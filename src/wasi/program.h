// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/settings.h"
#include "runtime/artifact.h"
#include "runtime/instance.h"
#include "runtime/store.h"
#include "wasi/call_trace.h"
#include "wasi/guest/import.h"

namespace wherry::wasi {

// A directory that the guest finds open. With is_root it is the guest's /, and
// absolute links and .. stay inside as in any container; otherwise nothing leads
// out of it.
struct Preopen {
  UniqueFd directory;
  std::string guest_path;
  bool read_only = false;
  bool is_root = false;
};

// A listening socket that the guest finds open.
struct Listener {
  UniqueFd socket;
  bool blocking = true;
};

struct ProgramConfig {
  std::vector<std::string> args;  // the program's name first
  std::vector<std::string> env;   // K=V
  std::vector<Listener> listeners;  // descriptors from 3 on
  std::vector<Preopen> preopens;    // descriptors after the listeners'
  std::string invoke;  // an exported function, called with args from the second on; "": _start
  uint64_t max_memory = ~uint64_t{0};
  const std::atomic<uint64_t>* changing_max_memory = nullptr;  // outlives the program
  runtime::MemoryGauge* gauge = nullptr;  // likewise
  config::OnOutOfMemory out_of_memory = config::OnOutOfMemory::deny;
  bool trace_host_calls = false;  // on standard error
  uint64_t max_stack = 1 << 20;
  std::chrono::nanoseconds timeout{0};
  bool handle_signals = false;  // SIGTERM, SIGINT, SIGHUP and SIGQUIT end the guest
  // It is Wherry's own toolbox, of which the caller is sure: it gets the imports of
  // wherry_toolbox and a part of /proc.
  bool is_toolbox = false;
  Policy::Config policy{};      // of the network; the default allows everything
};

struct ProgramResult {
  enum class Kind : uint8_t { exited, signalled, trapped };
  Kind kind = Kind::exited;
  int code = 0;                     // the exit code, or the signal's number
  bool out_of_memory = false;       // its limit ended it; a kind of trap
  std::string report;               // why it trapped, and the guest's backtrace
  std::vector<std::string> values;  // what the invoked function returned
};

// The guest's exit code, 128 + n after signal n, 134 after a trap, 137 when it was out of memory.
int exit_status(const ProgramResult& result);

// One module run as a program, with preview 1 and WasmEdge's sockets and this
// process's descriptors 0, 1 and 2. load() does all that needs files and memory,
// so that the process can lock itself down before run().
class Program {
 public:
  // One clear error names every import that is missing and who would provide it.
  static Result<std::unique_ptr<Program>> load(std::unique_ptr<runtime::Artifact> artifact, ProgramConfig config);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Runs the guest to its end on this thread; once. While it runs, SIGPIPE is
  // ignored and, with handle_signals, the signals are blocked in this thread.
  Result<ProgramResult> run();

  // Of its linear memories, from any thread.
  const runtime::MemoryGauge& memory() const { return *config_.gauge; }

  // Ends the guest as by the signal. From any thread or a signal handler.
  void interrupt(int signal);

 private:
  Program(std::unique_ptr<runtime::Artifact> artifact, ProgramConfig config);

  Result<void> open_descriptors();
  Result<void> find_entry();
  Result<void> check_strings() const;
  ProgramResult start(const std::vector<abi::Value>& args);
  Result<void, Trap> call_entry(const std::vector<abi::Value>& args, std::vector<std::string>& values);
  ProgramResult trapped(Trap trap);
  bool ran_out_of_memory() const;

  const std::unique_ptr<runtime::Artifact> artifact_;
  ProgramConfig config_;
  Guest guest_;
  std::unique_ptr<CallTrace> trace_;
  runtime::MemoryGauge own_gauge_;
  std::unique_ptr<runtime::Store> store_;  // after what its host functions use
  runtime::Instance* instance_ = nullptr;
  std::string entry_;
};

}  // namespace wherry::wasi
