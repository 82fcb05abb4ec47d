// SPDX-License-Identifier: Apache-2.0
// instance_bench [--wasmtime LIBRARY] FUNCTION MODULE...
//
// What an instance costs: store, instance, call of FUNCTION, drop; with and without
// a pool, beside wasmtime in the same process. Imports are functions that trap.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

#include "abi/cpu.h"
#include "baseline/compile_job.h"
#include "runtime/instance.h"
#include "runtime/linker.h"
#include "runtime/pool.h"
#include "runtime/store.h"
#include "wasm/features.h"
#include "wasmtime_peer.h"

namespace wherry::bench {
namespace {

using runtime::Artifact;
using runtime::Instance;
using runtime::Linker;
using runtime::Pool;
using runtime::PoolConfig;
using runtime::Store;

constexpr int kRounds = 40, kCycles = 500;

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class T>
T must(Result<T> result, const char* what) {
  if (result) return std::move(*result);
  fprintf(stderr, "%s: %s\n", what, result.error().to_string().c_str());
  exit(1);
}

std::unique_ptr<Artifact> compile(std::span<const uint8_t> module) {
  UniqueFd file(memfd_create("artifact", MFD_CLOEXEC));
  abi::CompileRequest request;
  request.features = wasm::FeatureSet::defaults().bits();
  request.cpu_features = abi::host_cpu_features();
  const auto done = baseline::compile_job(module, request, file.get());
  if (!done) fprintf(stderr, "%s\n", done.error().to_string().c_str());
  return must(Artifact::map(std::move(file)), "artifact");
}

Result<void, Trap> refuse(void*, runtime::HostCall&) { return Trap::host_error; }

void define_imports(const Artifact& artifact, Linker& linker) {
  for (const runtime::ImportType& import : artifact.imports()) {
    if (import.kind == wasm::ExternKind::func) {
      linker.define(import.module, import.name, std::get<wasm::FuncType>(import.type), refuse, nullptr);
    }
  }
}

class Ours {
 public:
  Ours(const Artifact& artifact, std::string function) : artifact_(artifact), function_(std::move(function)) {
    Linker linker;
    define_imports(artifact, linker);
    imports_ = must(Instance::find_imports(artifact, linker), "imports");
  }

  std::unique_ptr<Store> start(Pool* pool) const {
    auto store = must(Store::create({.pool = pool}), "store");
    Instance* const instance = must(Instance::link_found(*store, artifact_, imports_), "instance");
    CHECK(instance->initialize() && instance->exported_function(function_)->call({}, {}), "it returns");
    instance_ = instance;
    return store;
  }
  // Writes a byte to each of `pages` host pages, spread over the memory, before the drop.
  void cycle(Pool* pool, uint64_t pages = 0) const {
    const auto store = start(pool);
    if (pages == 0) return;
    const auto memory = instance_->memory(0).bytes();
    for (uint64_t i = 0; i < pages; ++i) memory[memory.size() / pages * i] = 1;
  }

 private:
  const Artifact& artifact_;
  const std::string function_;
  std::vector<runtime::Extern> imports_;
  mutable Instance* instance_ = nullptr;
};

struct Times {
  std::vector<double> us;
  double at(double part) const { return us[static_cast<size_t>(part * static_cast<double>(us.size() - 1))]; }
};

// The kinds in turns, so that all see the same machine.
std::vector<Times> measure(const std::vector<std::function<void()>>& kinds) {
  std::vector<Times> times(kinds.size());
  for (int round = 0; round < kRounds; ++round) {
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
      for (int i = 0; i < kCycles / 10; ++i) kinds[kind]();
      for (int i = 0; i < kCycles; ++i) {
        const double start = now_us();
        kinds[kind]();
        times[kind].us.push_back(now_us() - start);
      }
    }
  }
  for (Times& t : times) std::ranges::sort(t.us);
  return times;
}

// Bytes of this process that nobody else has.
uint64_t own_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  uint64_t total = 0;
  for (std::string line; std::getline(file, line);) {
    unsigned long kib = 0;
    if (sscanf(line.c_str(), "Private_Dirty: %lu", &kib) == 1) total += kib << 10;
  }
  return total;
}

void print_idle(const Ours& ours) {
  constexpr size_t kLive = 10'000;
  Pool pool({.max_idle = 0});
  std::vector<std::unique_ptr<Store>> stores;
  stores.reserve(kLive);
  for (int i = 0; i < 100; ++i) stores.push_back(ours.start(&pool));
  const uint64_t before = own_bytes();
  while (stores.size() < kLive) stores.push_back(ours.start(&pool));
  printf("  idle instance, %zu alive %26.1f KB\n", kLive, static_cast<double>(own_bytes() - before) / (kLive - 100) / 1e3);
}

void run(const char* path, const std::string& function, const std::string& wasmtime) {
  const std::string bytes = must(read_file(path, size_t{64} << 20), path);
  const std::span module(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  const auto artifact = compile(module);
  const Ours ours(*artifact, function);
  Pool pool, written, blind({.scan_pages = false});

  std::vector<std::pair<const char*, std::function<void()>>> kinds = {
      {"with a pool", [&] { ours.cycle(&pool); }},
      {"with a pool, 16 pages written", [&] { ours.cycle(&written, 16); }},
      {"with a pool, no page scan", [&] { ours.cycle(&blind); }},
      {"without a pool", [&] { ours.cycle(nullptr); }},
  };
  std::unique_ptr<WasmtimePeer> peer;
  if (!wasmtime.empty()) {
    peer = must(WasmtimePeer::create(wasmtime, module, function), "wasmtime");
    kinds.emplace_back("wasmtime's pool, resident", [&] { peer->cycle(); });
  }
  std::vector<std::function<void()>> actions;
  for (const auto& kind : kinds) actions.push_back(kind.second);
  const std::vector<Times> times = measure(actions);

  printf("%s: store, instance, call, drop%s\n", path, peer ? " (and as a ratio of wasmtime's)" : "");
  for (size_t i = 0; i < kinds.size(); ++i) {
    printf("  %-32s p50 %6.2f us  p99 %6.2f us", kinds[i].first, times[i].at(0.5), times[i].at(0.99));
    if (peer) printf("  %5.2f", times[i].at(0.5) / times.back().at(0.5));
    printf("\n");
  }
  print_idle(ours);
}

}  // namespace
}  // namespace wherry::bench

int main(int argc, char** argv) {
  setlinebuf(stdout);
  std::vector<std::string> args(argv + 1, argv + argc);
  std::string wasmtime;
  if (args.size() > 1 && args[0] == "--wasmtime") {
    wasmtime = args[1];
    args.erase(args.begin(), args.begin() + 2);
  }
  for (size_t i = 1; i < args.size(); ++i) wherry::bench::run(args[i].c_str(), args[0], wasmtime);
  return args.size() > 1 ? 0 : 2;
}
