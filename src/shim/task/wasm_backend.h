// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>

#include "sandbox/guest_stats.h"
#include "sandbox/shared_limit.h"
#include "shim/task/container.h"
#include "shim/task/denial_log.h"

namespace wherry::shim {

// Containers whose processes are Wasm programs in processes of ours, made by
// sandbox::Launcher; and a pod's pause container, which runs no program at all.
class WasmBackend : public Backend {
 public:
  // Compiles the module, so that a broken one costs nothing else. The container
  // outlives the backend.
  static Result<std::unique_ptr<WasmBackend>> create(const Container& container, const Workshop& workshop, const sandbox::Entrypoint& entrypoint);
  // The same with a module that is a layer of the image.
  static Result<std::unique_ptr<WasmBackend>> create(const Container& container, const Workshop& workshop, const WasmLayer& layer);
  static std::unique_ptr<WasmBackend> create_pause(const Container& container, const Workshop& workshop);
  WasmBackend(const WasmBackend&) = delete;
  WasmBackend& operator=(const WasmBackend&) = delete;

  Result<std::unique_ptr<Child>> create_init(const Stdio& stdio) override;
  Result<std::unique_ptr<Child>> create_exec(const ExecConfig& config) override;
  Result<void> pause() override { return cgroup_->freeze(); }
  Result<void> resume() override { return cgroup_->thaw(); }
  Result<void> update(const sandbox::Resources& resources, std::string_view json) override;
  Result<std::vector<int>> pids() const override { return cgroup_->pids(); }
  Result<sandbox::CgroupStats> stats() const override { return cgroup_->stats(); }
  uint64_t oom_kills() const override;
  std::string cgroup() const override { return cgroup_->path(); }
  Result<void> kill_all() override { return cgroup_->kill_all(); }
  Result<void> dismantle() override;

 private:
  WasmBackend(const Container& container, const Workshop& workshop) : container_(container), workshop_(workshop) {}
  Result<Module> prepare(const sandbox::Entrypoint& entrypoint) const;
  Result<Module> prepare(const WasmLayer& layer) const;
  // Runs `prepare` and logs what it took.
  Result<Module> note(const std::string& name, const std::function<Result<Module>()>& prepare) const;
  struct ExecProgram {
    std::optional<Module> module;
    std::string native;  // its path in the container if it is no module
    std::string function;
    bool is_toolbox = false;
  };
  Result<ExecProgram> prepare_exec(const sandbox::Process& process) const;
  std::unique_ptr<Child> adopt(std::unique_ptr<sandbox::LaunchedProcess> process) const;
  Result<void> make_cgroup();
  Result<void> make_stats();
  uint64_t guest_memory() const;
  sandbox::GuestTerms guest_terms() const;

  const Container& container_;
  const Workshop& workshop_;
  std::optional<WasmLayer> layer_;  // that init's module is
  std::optional<Module> module_;    // until init has it
  std::string function_;
  bool is_toolbox_ = false;  // the container's own program is of the toolbox
  std::unique_ptr<sandbox::Cgroup> cgroup_;
  std::unique_ptr<sandbox::SharedLimit> memory_limit_;
  std::unique_ptr<sandbox::GuestStats> stats_;  // these two: not of a pause container
  std::unique_ptr<DenialLog> denials_;
};

}  // namespace wherry::shim
