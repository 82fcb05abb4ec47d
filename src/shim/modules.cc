// SPDX-License-Identifier: Apache-2.0
#include "shim/modules.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>

#include "engine/prepare.h"
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

class Modules {
 public:
  Modules(const sandbox::CgroupHost& cgroups, const Log& log, std::string cache_directory)
      : cgroups_(cgroups), log_(log), cache_directory_(std::move(cache_directory)), compiler_(open_compiler()) {}

  Result<Module> prepare(const sandbox::Entrypoint& entrypoint, wasm::FeatureSet features) {
    engine::Cache* const cache = TRY(open_cache());
    engine::Prepared prepared = TRY(engine::prepare(*cache, entrypoint.file.get(), entrypoint.path, {.features = features.bits()}));
    if (!prepared.warning.empty()) log_.write(Level::warning, prepared.warning, {{"module", entrypoint.path}});
    return Module{std::move(prepared.artifact), prepared.cached};
  }

 private:
  Result<engine::Cache*> open_cache() {
    const std::lock_guard lock(mutex_);
    if (!cache_) {
      engine::CacheConfig config;
      config.directory = cache_directory_;
      config.compiler_cgroup = make_compiler_cgroup(cgroups_);
      // By our number, since the child has closed the descriptor when it executes this.
      if (compiler_) config.compiler_path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(compiler_.get());
      cache_ = TRY(engine::Cache::open(std::move(config)));
    }
    return cache_.get();
  }

  const sandbox::CgroupHost cgroups_;
  const Log& log_;
  const std::string cache_directory_;
  const UniqueFd compiler_;
  std::mutex mutex_;
  std::unique_ptr<engine::Cache> cache_;
};

}  // namespace

std::function<Result<Module>(const sandbox::Entrypoint&, wasm::FeatureSet)> module_source(const sandbox::CgroupHost& cgroups, const Log& log,
                                                                        std::string cache_directory) {
  // std::function wants to copy, so it shares.
  return [modules = std::make_shared<Modules>(cgroups, log, std::move(cache_directory))](const sandbox::Entrypoint& entrypoint, wasm::FeatureSet features) { return modules->prepare(entrypoint, features); };
}

}  // namespace wherry::shim
