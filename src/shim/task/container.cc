// SPDX-License-Identifier: Apache-2.0
#include "shim/task/container.h"

#include <chrono>

#include "sandbox/hooks.h"
#include "sandbox/rootfs.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kContainerType = "io.kubernetes.cri.container-type";

Result<void> mount_rootfs(Container& container, const pb::CreateTaskRequest& request) {
  const std::string& path = container.spec.root.path;
  if (path.empty()) return error(ErrorKind::invalid, "config.json: no root.path");
  container.rootfs = path[0] == '/' ? path : container.bundle.path() + "/" + path;
  if (request.rootfs().empty()) return {};
  std::vector<sandbox::RootfsMount> mounts;
  for (const pb::Mount& mount : request.rootfs()) {
    mounts.push_back({mount.type(), mount.source(), mount.target(), {mount.options().begin(), mount.options().end()}});
  }
  TRY(sandbox::mount_rootfs(mounts, container.bundle.rootfs()));
  container.rootfs_mounted = true;
  return {};
}

// The module of a container that runs one; nothing for a pod's pause container.
Result<Module> prepare(Container& container, const Workshop& workshop, std::string& function) {
  const auto begin = std::chrono::steady_clock::now();
  sandbox::Entrypoint entrypoint = TRY(sandbox::open_entrypoint(container.spec, container.rootfs));
  TRY(sandbox::check_is_module(entrypoint));
  Module module = TRY(workshop.prepare(entrypoint));
  function = entrypoint.function;
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  workshop.log->write(Level::info, module.cached ? "module found in the cache" : "module compiled",
                      {{"container", container.id}, {"module", entrypoint.path}, {"microseconds", std::to_string(time.count())}});
  return module;
}

Result<void> make_cgroup(Container& container, const Workshop& workshop) {
  const sandbox::CgroupPath path = TRY(sandbox::cgroup_path(container.spec.linux_.cgroupsPath, container.id));
  container.cgroup = TRY(sandbox::Cgroup::create(workshop.cgroups, path));
  TRY(container.bundle.write_cgroup(path.path));
  return container.cgroup->set(container.spec.linux_.resources);
}

Result<void> launch(Container& container, const Workshop& workshop, std::string_view spec_json) {
  sandbox::LaunchConfig config;
  config.id = container.id;
  config.bundle = container.bundle.path();
  config.rootfs = container.rootfs;
  config.spec = &container.spec;
  config.spec_json = spec_json;
  config.kind = container.spec.annotation(kContainerType) == "sandbox" ? sandbox::InitKind::pause : sandbox::InitKind::wasm;
  Module module;
  if (config.kind == sandbox::InitKind::wasm) {
    module = TRY(prepare(container, workshop, config.invoke));
    config.artifact = module.artifact.get();
  }
  container.stdio = TRY(Stdio::open(container.stdio_config, workshop.deadline));
  for (int i = 0; i < 3; i++) config.stdio[i] = container.stdio->fd(i);
  TRY(make_cgroup(container, workshop));
  config.cgroup = container.cgroup.get();
  config.memory_limit = container.cgroup->memory_limit();
  container.init = TRY(workshop.launcher->launch(config));
  container.cgroup->settle();
  container.stdio->container_has_them();
  if (!container.init->warnings().empty()) {
    workshop.log->write(Level::warning, container.init->warnings(), {{"container", container.id}});
  }
  return container.bundle.write_init(container.init->pid());
}

Result<void> try_build(Container& container, const pb::CreateTaskRequest& request, const Workshop& workshop) {
  if (!request.checkpoint().empty()) return error(ErrorKind::unsupported, "restoring a checkpoint is not implemented");
  if (request.terminal()) return error(ErrorKind::unsupported, "a terminal is not implemented yet; start the container without one");
  const std::string config = TRY(container.bundle.config());
  container.spec = TRY(sandbox::parse_spec(config));
  container.stdio_config = {request.stdin(), request.stdout(), request.stderr(), request.terminal()};
  TRY(mount_rootfs(container, request));
  return launch(container, workshop, config);
}

}  // namespace

Container::~Container() {
  for (Call& waiter : waiters) waiter.refuse(Status::not_found, "container " + id + " not found");
}

Result<void> build(Container& container, const pb::CreateTaskRequest& request, const Workshop& workshop) {
  Result<void> built = try_build(container, request, workshop);
  if (built) return built;
  if (const auto undone = dismantle(container); !undone) {
    workshop.log->write(Level::warning, "undoing a failed create: " + undone.error().to_string(), {{"container", container.id}});
  }
  return built;
}

Result<void> dismantle(Container& container) {
  Result<void> first;
  const auto note = [&](Result<void> done) {
    if (!done && first) first = std::move(done);
  };
  if (container.cgroup) {
    note(container.cgroup->kill_all());
    if (container.state != State::stopped) container.init = nullptr;
    note(container.cgroup->remove());
  }
  if (container.rootfs_mounted) note(sandbox::unmount_rootfs(container.bundle.rootfs()));
  container.bundle.forget();
  return first;
}

}  // namespace wherry::shim
