// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "sandbox/cgroup.h"
#include "shim/task/log.h"
#include "shim/task/module_source.h"

namespace wherry::engine {
class Cache;
}

namespace wherry::shim {

// The engine's cache and compiler as containers use them: opened on the first
// use, so that a pod's pause container costs nothing.
class Modules : public ModuleSource {
 public:
  struct Config {
    std::string cache_directory;  // as in engine::CacheConfig
    std::string containerd;       // its socket, for modules that are layers; "": there are none
    std::string ns;
  };
  // The log lives as long as this.
  Modules(const sandbox::CgroupHost& cgroups, const Log& log, Config config);
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;
  ~Modules() override;

  Result<Module> prepare(const sandbox::Entrypoint& entrypoint, wasm::FeatureSet features) override;

  // As find_wasm_layer(), in 5 seconds at most.
  Result<std::optional<WasmLayer>> find_layer(const std::string& container, std::string_view program) override;
  // If the artifact is not in the cache, the blob is copied for as long as this takes.
  Result<Module> prepare(const WasmLayer& layer, wasm::FeatureSet features) override;

 private:
  Result<engine::Cache*> open_cache();
  Result<UniqueFd> fetch(const WasmLayer& layer, const engine::Cache& cache) const;
  Result<Module> prepare_file(int file, const std::string& name, wasm::FeatureSet features);

  const sandbox::CgroupHost cgroups_;
  const Log& log_;
  const Config config_;
  const UniqueFd compiler_;
  std::mutex mutex_;
  std::unique_ptr<engine::Cache> cache_;
};

}  // namespace wherry::shim
