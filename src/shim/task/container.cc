// SPDX-License-Identifier: Apache-2.0
#include "shim/task/container.h"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include "sandbox/rootfs.h"
#include "shim/cri_annotations.h"
#include "shim/pod/pod_spec.h"
#include "shim/task/native_backend.h"
#include "shim/task/options.h"
#include "shim/task/wasm_backend.h"

namespace wherry::shim {
namespace {

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

Result<config::Settings> resolve_settings(const sandbox::Spec& spec, const pb::Any& options, const Workshop& workshop) {
  const config::Source annotations = TRY(config::annotations_source(spec.annotations, spec.annotation(cri::kContainerName)));
  config::Layer handler = TRY(layer_of_options(options));
  config::Layer node = TRY(config::read_layer(workshop.node_file));
  const config::Layer layers[] = {std::move(handler), std::move(node)};
  return config::resolve(annotations, layers);
}

// Nothing of the image has such a program. That of a shell's command is the toolbox's:
// `kubectl debug` with an image of a module, a container that waits for another. A
// path of the image's own stays missing, whatever its last part is.
Result<std::unique_ptr<Backend>> make_backend_of_toolbox(const Container& container, const Workshop& workshop, Error missing) {
  const std::string_view program = container.spec.process.args[0];
  const size_t slash = program.rfind('/');
  const std::string_view directory = slash == program.npos ? "" : program.substr(0, slash);
  const bool is_usual = slash == program.npos || directory == "/bin" || directory == "/usr/bin";
  if (missing.kind != ErrorKind::not_found || !container.settings.allow_toolbox || !is_usual) return missing;
  const auto applet = workshop.toolbox(program.substr(slash + 1));
  if (!applet) return missing;
  return TRY(WasmBackend::create(container, workshop, *applet));
}

// The root file system has no such program: the image may be one whose layer is the
// module. If it is not, `missing` is what there is to say.
Result<std::unique_ptr<Backend>> make_backend_from_layer(const Container& container, const Workshop& workshop, Error missing) {
  if (container.spec.process.args.empty()) return missing;
  const auto layer = workshop.modules->find_layer(container.id, sandbox::split_program(container.spec.process).path);
  if (!layer) return error(layer.error().kind, missing.message + "; asking containerd for the image's layers: " + layer.error().message);
  if (!*layer) return make_backend_of_toolbox(container, workshop, std::move(missing));
  return TRY(WasmBackend::create(container, workshop, **layer));
}

// The one place that decides how a container is run.
Result<std::unique_ptr<Backend>> make_backend(const Container& container, const Workshop& workshop) {
  if (container.spec.annotation(cri::kContainerType) == cri::kSandbox) return WasmBackend::create_pause(container, workshop);
  auto entrypoint = sandbox::open_entrypoint(container.spec, container.rootfs);
  if (!entrypoint) return make_backend_from_layer(container, workshop, std::move(entrypoint).error());
  if (sandbox::is_native(entrypoint->kind)) {
    TRY(sandbox::check_native(*entrypoint, container.settings.allow_native));
    return TRY(NativeBackend::create(container, workshop));
  }
  return TRY(WasmBackend::create(container, workshop, *entrypoint));
}

Result<void> try_build(Container& container, const pb::CreateTaskRequest& request, const Workshop& workshop) {
  if (!request.checkpoint().empty()) return error(ErrorKind::unsupported, "restoring a checkpoint is not implemented");
  container.spec_json = TRY(container.bundle.config());
  if (!container.pod_bundle.empty()) container.spec_json = TRY(with_pod_files(container.spec_json, container.pod_bundle));
  container.spec = TRY(sandbox::parse_spec(container.spec_json));
  container.settings = TRY(resolve_settings(container.spec, request.options(), workshop));
  TRY(check_terminal(container.spec.process, request.terminal()));
  TRY(mount_rootfs(container, request));
  container.backend = TRY(make_backend(container, workshop));
  Process& init = *container.init;
  init.stdio_config = {request.stdin(), request.stdout(), request.stderr(), request.terminal(), container.id, workshop.ns};
  init.stdio = TRY(Stdio::open(init.stdio_config, workshop.deadline, workshop.streams));
  init.child = TRY(container.backend->create_init(*init.stdio));
  init.stdio->container_has_them();
  return container.bundle.write_init(init.child->pid());
}

}  // namespace

Result<void> check_terminal(const sandbox::Process& process, bool requested) {
  if (process.terminal == requested) return {};
  return error(ErrorKind::invalid, requested ? "a terminal is requested, but process.terminal is false" : "process.terminal is true, but no terminal is requested");
}

Result<void> check_takes_execs(const Container& container) {
  switch (container.init->state) {
    case State::created:
    case State::starting:
    case State::running:
      if (!container.held_exit) return {};
      break;
    case State::paused:
      return error(ErrorKind::failed_precondition, "cannot exec in a paused container");
    case State::creating:
    case State::stopped:
      break;
  }
  return error(ErrorKind::failed_precondition, "cannot exec in a container that is not running");
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
  if (container.init->child && container.init->state == State::creating) kill_and_reap(*container.init->child);
  if (container.backend) note(container.backend->dismantle());
  if (container.rootfs_mounted) note(sandbox::unmount_rootfs(container.bundle.rootfs()));
  container.bundle.forget();
  return first;
}

}  // namespace wherry::shim
