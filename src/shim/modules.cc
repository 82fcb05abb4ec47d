// SPDX-License-Identifier: Apache-2.0
#include "shim/modules.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "engine/prepare.h"
#include "shim/image/architecture.h"
#include "shim/toolbox.h"

namespace wherry::shim {
namespace {

// Compilers of all pods are below one cgroup of the node's, so that no pod pays
// for them. Where it can not be made they stay in the shim's, which is no pod's either.
std::string make_compiler_cgroup(const sandbox::CgroupHost& host) {
  std::string mountpoint = host.unified;
  for (const auto& hierarchy : host.v1) {
    const auto& names = hierarchy.controllers;
    if (std::find(names.begin(), names.end(), "memory") != names.end()) mountpoint = hierarchy.mountpoint;
  }
  if (mountpoint.empty()) return {};
  std::string path = mountpoint + "/wherry-compilers";
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return {};
  const UniqueFd control(::open((path + "/cgroup.subtree_control").c_str(), O_WRONLY | O_CLOEXEC));
  if (control) (void)write_all(control.get(), std::string_view("+memory"), path);  // v2
  return path;
}

// The compiler beside this program as it is now: an upgrade of the node may
// replace both while this shim lives on, and the two must be of one build.
UniqueFd open_compiler() {
  return UniqueFd(::open((program_directory() + "/wherryc").c_str(), O_PATH | O_CLOEXEC));
}

constexpr std::chrono::seconds kLookupTime{5};
constexpr std::chrono::seconds kFetchTime{60};

engine::CompileOptions options(wasm::FeatureSet features) { return {.features = features.bits()}; }

TimePoint in(std::chrono::seconds time) { return std::chrono::steady_clock::now() + time; }

}  // namespace

Modules::Modules(const sandbox::CgroupHost& cgroups, const Log& log, Config config)
    : cgroups_(cgroups), log_(log), config_(std::move(config)), compiler_(open_compiler()) {}

Modules::~Modules() = default;

Result<engine::Cache*> Modules::open_cache() {
  const std::lock_guard lock(mutex_);
  if (!cache_) {
    engine::CacheConfig config;
    config.directory = config_.cache_directory;
    config.compiler_cgroup = make_compiler_cgroup(cgroups_);
    // By our number, since the child has closed the descriptor when it executes this.
    if (compiler_) config.compiler_path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(compiler_.get());
    cache_ = TRY(engine::Cache::open(std::move(config)));
  }
  return cache_.get();
}

Result<Module> Modules::prepare_file(int file, const std::string& name, wasm::FeatureSet features) {
  engine::Cache* const cache = TRY(open_cache());
  engine::Prepared prepared = TRY(engine::prepare(*cache, file, name, options(features)));
  if (!prepared.warning.empty()) log_.write(Level::warning, prepared.warning, {{"module", name}});
  return Module{std::move(prepared.artifact), prepared.cached};
}

Result<Module> Modules::prepare(const sandbox::Entrypoint& entrypoint, wasm::FeatureSet features) {
  return prepare_file(entrypoint.file.get(), entrypoint.path, features);
}

Result<std::optional<WasmLayer>> Modules::find_layer(const std::string& container, std::string_view program) {
  if (config_.containerd.empty()) return std::optional<WasmLayer>();
  const auto store = TRY(connect_image_store(config_.containerd, config_.ns));
  return find_wasm_layer(*store, container, program, architecture(), in(kLookupTime));
}

// On the cache's disk, or in memory if there is no room for it.
Result<UniqueFd> Modules::fetch(const WasmLayer& layer, const engine::Cache& cache) const {
  const auto fetch_into = [&](int file) -> Result<void> {
    const auto store = TRY(connect_image_store(config_.containerd, config_.ns));
    return fetch_layer(*store, layer, file, in(kFetchTime));
  };
  auto file = cache.unusable().empty() ? cache.temporary() : error(ErrorKind::unavailable, cache.unusable());
  if (file) {
    const auto done = fetch_into(file->get());
    if (done) return file;
    if (done.error().kind != ErrorKind::exhausted) return done.error();
  }
  UniqueFd memory(::memfd_create("wherry-module", MFD_CLOEXEC));
  if (!memory) return os_error(errno, "module");
  TRY(fetch_into(memory.get()));
  return memory;
}

Result<Module> Modules::prepare(const WasmLayer& layer, wasm::FeatureSet features) {
  engine::Cache* const cache = TRY(open_cache());
  if (auto found = engine::find_prepared(*cache, layer.digest, options(features))) return Module{std::move(found->artifact), true};
  sandbox::Entrypoint copy;
  copy.path = layer.to_string();
  copy.file = TRY(fetch(layer, *cache));
  copy.kind = TRY(sandbox::classify(copy.file.get()));
  TRY(sandbox::check_is_module(copy));
  return prepare(copy, features);
}

}  // namespace wherry::shim
