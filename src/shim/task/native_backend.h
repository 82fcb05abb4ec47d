// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "shim/task/container.h"
#include "shim/task/runc.h"

namespace wherry::shim {

// Containers of native programs, beside Wasm ones in a pod: the node's runc runs
// them, from the config.json that containerd wrote for it. Signals, statistics and
// the end are ours, by pidfd and cgroup, as for every other process.
class NativeBackend : public Backend {
 public:
  static Result<std::unique_ptr<NativeBackend>> create(const Container& container, const Workshop& workshop);
  NativeBackend(const NativeBackend&) = delete;
  NativeBackend& operator=(const NativeBackend&) = delete;

  Result<std::unique_ptr<Child>> create_init(const Stdio& stdio) override;
  Result<std::unique_ptr<Child>> create_exec(const ExecConfig& config) override;
  Result<void> pause() override { return cgroup_->freeze(); }
  Result<void> resume() override { return cgroup_->thaw(); }
  Result<void> update(const sandbox::Resources&, std::string_view json) override { return runc_->update(json); }
  Result<std::vector<int>> pids() const override { return cgroup_->pids(); }
  Result<sandbox::CgroupStats> stats() const override { return cgroup_->stats(); }
  uint64_t oom_kills() const override { return cgroup_->oom_kills(); }
  std::string cgroup() const override { return cgroup_->path(); }
  bool runs_hooks() const override { return true; }
  Result<void> kill_all() override { return cgroup_->kill_all(); }
  Result<void> dismantle() override;

 private:
  NativeBackend(const Container& container, const Workshop& workshop) : container_(container), workshop_(workshop) {}

  const Container& container_;
  const Workshop& workshop_;
  std::unique_ptr<Runc> runc_;
  std::unique_ptr<sandbox::Cgroup> cgroup_;  // once runc has made it
};

// Where runc keeps what it knows of a bundle's container.
std::string native_directory(const std::string& bundle);

}  // namespace wherry::shim
