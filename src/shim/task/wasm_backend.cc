// SPDX-License-Identifier: Apache-2.0
#include "shim/task/wasm_backend.h"

#include <algorithm>
#include <chrono>

#include "sandbox/guest_cpu.h"
#include "sandbox/guest_memory.h"
#include "shim/cri_annotations.h"
#include "shim/task/exec_program.h"

namespace wherry::shim {
namespace {

class LaunchedChild : public Child {
 public:
  explicit LaunchedChild(std::unique_ptr<sandbox::LaunchedProcess> process) : process_(std::move(process)) {}

  int pid() const override { return process_->pid(); }
  int pidfd() const override { return process_->pidfd(); }
  Result<void> start() override { return process_->start(); }
  Result<void> signal(int number) override { return process_->signal(number); }
  UniqueFd take_console() override { return process_->take_console(); }

 private:
  const std::unique_ptr<sandbox::LaunchedProcess> process_;
};

}  // namespace

Result<std::unique_ptr<WasmBackend>> WasmBackend::create(const Container& container, const Workshop& workshop, const sandbox::Entrypoint& entrypoint) {
  auto backend = create_pause(container, workshop);
  backend->module_ = TRY(backend->prepare(entrypoint));
  backend->function_ = entrypoint.function;
  backend->is_toolbox_ = entrypoint.is_toolbox;
  return backend;
}

Result<std::unique_ptr<WasmBackend>> WasmBackend::create(const Container& container, const Workshop& workshop, const WasmLayer& layer) {
  auto backend = create_pause(container, workshop);
  backend->layer_ = layer;
  backend->module_ = TRY(backend->prepare(layer));
  backend->function_ = sandbox::split_program(container.spec.process).function;
  return backend;
}

std::unique_ptr<WasmBackend> WasmBackend::create_pause(const Container& container, const Workshop& workshop) {
  return std::unique_ptr<WasmBackend>(new WasmBackend(container, workshop));
}

Result<Module> WasmBackend::prepare(const sandbox::Entrypoint& entrypoint) const {
  TRY(sandbox::check_is_module(entrypoint));
  return note(entrypoint.path, [&] { return workshop_.modules->prepare(entrypoint, container_.settings.features); });
}

Result<Module> WasmBackend::prepare(const WasmLayer& layer) const {
  return note(layer.to_string(), [&] { return workshop_.modules->prepare(layer, container_.settings.features); });
}

Result<Module> WasmBackend::note(const std::string& name, const std::function<Result<Module>()>& prepare) const {
  const auto begin = std::chrono::steady_clock::now();
  Module module = TRY(prepare());
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  workshop_.log->write(Level::info, module.cached ? "module found in the cache" : "module compiled",
                       {{"container", container_.id}, {"module", name}, {"microseconds", std::to_string(time.count())}});
  return module;
}

Result<void> WasmBackend::make_cgroup() {
  const sandbox::CgroupPath path = TRY(sandbox::cgroup_path(container_.spec.linux_.cgroupsPath, container_.id, workshop_.cgroups.has_systemd()));
  TRY(sandbox::Cgroup::check_vacant(workshop_.cgroups, path));
  TRY(container_.bundle.write_cgroup(path.path));  // first: whoever cleans up after a killed shim reads it
  cgroup_ = TRY(sandbox::Cgroup::create(workshop_.cgroups, path));
  sandbox::Resources resources = container_.spec.linux_.resources;
  sandbox::cap_cpu(resources, container_.settings.milli_cpu);
  TRY(cgroup_->set(resources));
  memory_limit_ = TRY(sandbox::SharedLimit::create(guest_memory()));
  return {};
}

uint64_t WasmBackend::guest_memory() const {
  return std::min(sandbox::guest_memory(cgroup_->memory_limit()), container_.settings.memory);
}

Result<void> WasmBackend::make_stats() {
  const sandbox::Spec& spec = container_.spec;
  const std::string_view pod = spec.annotation(cri::kSandboxName), ns = spec.annotation(cri::kSandboxNamespace),
                         name = spec.annotation(cri::kContainerName);
  stats_ = TRY(sandbox::GuestStats::create({container_.id, pod, ns, name}));
  const std::string full_name = pod.empty() ? "" : std::string(ns) + "/" + std::string(pod);
  denials_ = TRY(DenialLog::create(*workshop_.loop, *workshop_.log, {container_.id, full_name, std::string(name)}));
  return {};
}

sandbox::GuestTerms WasmBackend::guest_terms() const {
  if (!stats_) return {};
  return {container_.settings.to_message(), stats_->fd(), denials_->writer()};
}

uint64_t WasmBackend::oom_kills() const {
  return cgroup_->oom_kills() + (stats_ ? stats_->page().out_of_memory.load(std::memory_order_relaxed) : 0);
}

Result<std::unique_ptr<Child>> WasmBackend::create_init(const Stdio& stdio) {
  TRY(make_cgroup());
  if (module_) TRY(make_stats());
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
  config.memory_limit = memory_limit_->fd();
  config.guest = guest_terms();
  config.is_toolbox = is_toolbox_;
  auto init = TRY(workshop_.launcher->launch(config));
  cgroup_->settle();
  module_.reset();
  return adopt(std::move(init));
}

std::unique_ptr<Child> WasmBackend::adopt(std::unique_ptr<sandbox::LaunchedProcess> process) const {
  if (!process->warnings().empty()) workshop_.log->write(Level::warning, process->warnings(), {{"container", container_.id}});
  return std::make_unique<LaunchedChild>(std::move(process));
}

Result<WasmBackend::ExecProgram> WasmBackend::prepare_exec(const sandbox::Process& process) const {
  ExecProgram out;
  // A module that is a layer has no file to be found by, only the name that init has.
  if (layer_ && !process.args.empty() && sandbox::split_program(process).path == sandbox::split_program(container_.spec.process).path) {
    out.module = TRY(prepare(*layer_));
    out.function = sandbox::split_program(process).function;
    return out;
  }
  const Child& init = *container_.init->child;
  const sandbox::Entrypoint program = TRY(find_exec_program(process, init.pid(), init.pidfd(), container_.settings, workshop_.toolbox));
  if (sandbox::is_native(program.kind)) {
    out.native = program.path;
    return out;
  }
  out.module = TRY(prepare(program));
  out.function = program.function;
  out.is_toolbox = program.is_toolbox;
  return out;
}

Result<std::unique_ptr<Child>> WasmBackend::create_exec(const ExecConfig& exec) {
  const ExecProgram program = TRY(prepare_exec(*exec.process));
  sandbox::ExecLaunchConfig config;
  config.id = exec.id;
  config.spec = &container_.spec;
  config.spec_json = container_.spec_json;
  config.process_json = exec.process_json;
  config.init = container_.init->child->pidfd();
  config.cgroup = cgroup_.get();
  for (int i = 0; i < 3; i++) config.stdio[i] = exec.stdio->fd(i);
  if (!program.module) {
    config.native_program = program.native;
    return adopt(TRY(workshop_.launcher->launch_exec(config)));
  }
  config.artifact = program.module->artifact.get();
  config.invoke = program.function;
  config.memory_limit = memory_limit_->fd();
  config.guest = guest_terms();
  config.is_toolbox = program.is_toolbox;
  return adopt(TRY(workshop_.launcher->launch_exec(config)));
}

// What was allowed to be devices stays so: containerd repeats the rules of the
// specification, and to set them again would take them away for a moment.
Result<void> WasmBackend::update(const sandbox::Resources& resources, std::string_view) {
  sandbox::Resources wanted = resources;
  wanted.devices.clear();
  if (wanted.cpu.quota || wanted.cpu.period) sandbox::cap_cpu(wanted, container_.settings.milli_cpu);
  // The guests are told of a lower limit first, so that they do not grow beyond it.
  const int64_t memory = wanted.memory.limit.value_or(0);
  if (memory > 0) {
    const uint64_t lower = sandbox::guest_memory(static_cast<uint64_t>(memory));
    memory_limit_->set(std::min(memory_limit_->get(), lower));
  }
  const auto set = cgroup_->set(wanted);
  memory_limit_->set(guest_memory());
  return set;
}

Result<void> WasmBackend::dismantle() {
  if (!cgroup_) return {};
  const auto killed = cgroup_->kill_all();
  TRY(cgroup_->remove());
  return killed;
}

}  // namespace wherry::shim
