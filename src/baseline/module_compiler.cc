// SPDX-License-Identifier: Apache-2.0
#include "baseline/module_compiler.h"

#include <atomic>
#include <ctime>
#include <thread>

#include "baseline/function_compiler.h"
#include "baseline/linking.h"
#include "baseline/x64/machine.h"

namespace wherry::baseline {
namespace {

// Bodies compiled into one chunk: enough to be worth a turn, little enough to
// stay in the cache between validation and compilation.
constexpr uint64_t kChunkBytes = 48u << 10;

uint64_t thread_time() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

struct ChunkRange {
  uint32_t first;  // defined functions
  uint32_t end;
  uint64_t bytes;
};

std::vector<ChunkRange> split(const wasm::Module& module) {
  std::vector<ChunkRange> chunks;
  ChunkRange next{0, 0, 0};
  for (uint32_t i = 0; i < module.code.size(); ++i) {
    next.end = i + 1;
    next.bytes += module.code[i].body.bytes.size();
    if (next.bytes < kChunkBytes && i + 1 < module.code.size()) continue;
    chunks.push_back(next);
    next = {i + 1, i + 1, 0};
  }
  return chunks;
}

// Compiles chunks until none is left; one per thread.
class Worker {
 public:
  struct Shared {
    const Environment& env;
    const validate::ModuleContext& context;
    const std::vector<ChunkRange> ranges;
    bool validate;
    std::vector<CodeChunk> chunks;
    std::vector<std::optional<Error>> errors;  // by chunk
    std::atomic<size_t> next = 0;
    std::atomic<size_t> failed = ~size_t{0};   // the first chunk known to fail
    std::atomic<uint64_t> validate_ns = 0, compile_ns = 0;
    Progress* progress;
  };

  explicit Worker(Shared& shared)
      : shared_(shared), validator_(shared.context), machine_(shared.env), compiler_(shared.env, machine_.frame(), machine_) {}

  void run() {
    for (size_t i; (i = shared_.next++) < shared_.ranges.size();) {
      // An error in an earlier function is the one that is told.
      if (i > shared_.failed) return;
      if (Result<void> result = chunk(i); !result) {
        shared_.errors[i] = std::move(result.error());
        size_t failed = shared_.failed;
        while (i < failed && !shared_.failed.compare_exchange_weak(failed, i)) {
        }
      }
    }
  }

 private:
  Result<void> chunk(size_t i) {
    const ChunkRange& range = shared_.ranges[i];
    const uint64_t start = thread_time();
    if (shared_.validate)
      for (uint32_t f = range.first; f < range.end; ++f) TRY(validator_.validate(f));
    const uint64_t middle = thread_time();
    for (uint32_t f = range.first; f < range.end; ++f) TRY(compiler_.compile(shared_.env.module.imported_functions + f));
    shared_.chunks[i] = machine_.take_chunk();
    shared_.validate_ns += middle - start;
    shared_.compile_ns += thread_time() - middle;
    if (shared_.progress) shared_.progress->add(range.bytes);
    return {};
  }

  Shared& shared_;
  validate::FunctionValidator validator_;
  x64::Machine machine_;
  FunctionCompiler compiler_;
};

// Tables that turned out not to be static. Whoever names one of the functions in
// them needs its FuncRef, so all are affected by ref.func.
bool revoke_static_tables(Environment& env, const std::vector<CodeChunk>& chunks) {
  bool any = false;
  for (const CodeChunk& chunk : chunks) {
    for (const uint32_t table : chunk.touched_tables) {
      env.revoke_static_table(table);
      any = true;
    }
  }
  return any;
}

}  // namespace

Result<std::unique_ptr<CompiledModule>> compile_module(const wasm::Module& module, const validate::ModuleContext& context,
                                                       const Options& options, Progress* progress) {
  Environment env(module, options);
  if (progress) {
    uint64_t total = 0;
    for (const wasm::Code& code : module.code) total += code.body.bytes.size();
    progress->start(total);
  }
  auto compiled = std::make_unique<CompiledModule>();
  for (bool again = false;; again = true) {
    Worker::Shared shared{env, context, split(module), !again, {}, {}, 0, ~size_t{0}, 0, 0, again ? nullptr : progress};
    shared.chunks.resize(shared.ranges.size());
    shared.errors.resize(shared.ranges.size());
    std::vector<std::thread> threads;
    for (size_t i = 1; i < std::min<size_t>(options.threads, shared.ranges.size()); ++i)
      threads.emplace_back([&] { Worker(shared).run(); });
    Worker(shared).run();
    for (std::thread& thread : threads) thread.join();
    for (std::optional<Error>& failure : shared.errors)
      if (failure) return std::move(*failure);
    compiled->validate_ns += shared.validate_ns;
    compiled->compile_ns += shared.compile_ns;
    if (revoke_static_tables(env, shared.chunks)) continue;
    compiled->chunks = std::move(shared.chunks);
    break;
  }
  compiled->code.escaping = env.escaping;
  compiled->code.canonical = env.canonical;
  for (const StaticTable& table : env.static_tables) compiled->code.static_tables.push_back(table.is_static);
  TRY(link(env, *compiled));
  return compiled;
}

}  // namespace wherry::baseline
