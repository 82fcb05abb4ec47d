// SPDX-License-Identifier: Apache-2.0
#include "shim/task/wasm_backend.h"

#include <chrono>

namespace wherry::shim {
namespace {

class InitChild : public Child {
 public:
  explicit InitChild(std::unique_ptr<sandbox::Init> init) : init_(std::move(init)) {}

  int pid() const override { return init_->pid(); }
  int pidfd() const override { return init_->pidfd(); }
  Result<void> start() override { return init_->start(); }
  Result<void> signal(int number) override { return init_->signal(number); }

 private:
  const std::unique_ptr<sandbox::Init> init_;
};

}  // namespace

Result<std::unique_ptr<WasmBackend>> WasmBackend::create(const Container& container, const Workshop& workshop,
                                                         std::optional<sandbox::Entrypoint> entrypoint) {
  std::unique_ptr<WasmBackend> backend(new WasmBackend(container, workshop));
  if (!entrypoint) return backend;
  TRY(sandbox::check_is_module(*entrypoint));
  backend->module_ = TRY(backend->prepare(*entrypoint));
  backend->function_ = entrypoint->function;
  return backend;
}

Result<Module> WasmBackend::prepare(const sandbox::Entrypoint& entrypoint) {
  const auto begin = std::chrono::steady_clock::now();
  Module module = TRY(workshop_.prepare(entrypoint));
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  workshop_.log->write(Level::info, module.cached ? "module found in the cache" : "module compiled",
                       {{"container", container_.id}, {"module", entrypoint.path}, {"microseconds", std::to_string(time.count())}});
  return module;
}

Result<void> WasmBackend::make_cgroup() {
  const sandbox::CgroupPath path = TRY(sandbox::cgroup_path(container_.spec.linux_.cgroupsPath, container_.id));
  cgroup_ = TRY(sandbox::Cgroup::create(workshop_.cgroups, path));
  TRY(container_.bundle.write_cgroup(path.path));
  return cgroup_->set(container_.spec.linux_.resources);
}

Result<std::unique_ptr<Child>> WasmBackend::create_init(const Stdio& stdio) {
  TRY(make_cgroup());
  sandbox::LaunchConfig config;
  config.id = container_.id;
  config.bundle = container_.bundle.path();
  config.rootfs = container_.rootfs;
  config.spec = &container_.spec;
  config.spec_json = container_.spec_json;
  config.kind = module_ ? sandbox::InitKind::wasm : sandbox::InitKind::pause;
  config.invoke = function_;
  if (module_) config.artifact = module_->artifact.get();
  for (int i = 0; i < 3; i++) config.stdio[i] = stdio.fd(i);
  config.cgroup = cgroup_.get();
  config.memory_limit = cgroup_->memory_limit();
  auto init = TRY(workshop_.launcher->launch(config));
  cgroup_->settle();
  module_.reset();
  if (!init->warnings().empty()) workshop_.log->write(Level::warning, init->warnings(), {{"container", container_.id}});
  return std::unique_ptr<Child>(new InitChild(std::move(init)));
}

Result<std::unique_ptr<Child>> WasmBackend::create_exec(const ExecConfig&) {
  return error(ErrorKind::unsupported, "exec is not implemented yet");
}

Result<void> WasmBackend::update(const sandbox::Resources& resources, std::string_view) { return cgroup_->set(resources); }

Result<void> WasmBackend::dismantle() {
  if (!cgroup_) return {};
  const auto killed = cgroup_->kill_all();
  TRY(cgroup_->remove());
  return killed;
}

}  // namespace wherry::shim
