// SPDX-License-Identifier: Apache-2.0
#include "shim/sandbox_service.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/user_namespace.h"
#include "shim/image/architecture.h"
#include "shim/pod/pod_spec.h"
#include "shim/task/timestamp.h"

namespace wherry::shim {
namespace {

constexpr size_t kThreads = 4;
constexpr std::string_view kTaskService = "containerd.task.v3.Task";
constexpr const char* kSpecType = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

template <class Reply, class Message>
Result<std::string> call_member(SandboxService& service, Result<Reply> (SandboxService::*member)(const Message&), const std::string& payload) {
  Message message;
  if (!message.ParseFromString(payload)) return error(ErrorKind::invalid, "malformed request");
  return TRY((service.*member)(message)).SerializeAsString();
}

// containerd has made the pod's network in a user namespace, which the pause joins
// while this is open.
Result<UniqueFd> owner_of_network(const pb::CreateSandboxRequest& request) {
  if (!joins_user_namespace(request)) return UniqueFd();
  const UniqueFd network(::open(request.netns_path().c_str(), O_RDONLY | O_CLOEXEC));
  if (!network) return os_error(errno, request.netns_path());
  UniqueFd owner(::ioctl(network.get(), NS_GET_USERNS));
  if (!owner) return os_error(errno, "user namespace of " + request.netns_path());
  return owner;
}

// A sandbox has no image. Its mount points must not be made in the bundle, which
// containerd removes only if its rootfs is empty. It belongs to root of the sandbox.
void add_empty_root(pb::CreateTaskRequest& task, const sandbox::Linux& spec) {
  pb::Mount& root = *task.add_rootfs();
  root.set_type("tmpfs");
  root.set_source("tmpfs");
  for (const char* option : {"mode=755", "size=64k", "nosuid", "nodev", "noexec"}) root.add_options(option);
  if (const auto uid = sandbox::host_id(spec.uidMappings, 0)) root.add_options("uid=" + std::to_string(*uid));
  if (const auto gid = sandbox::host_id(spec.gidMappings, 0)) root.add_options("gid=" + std::to_string(*gid));
}

}  // namespace

struct SandboxService::Method {
  std::string_view name;
  Result<std::string> (*run)(SandboxService&, const std::string& payload);
};

template <auto M>
Result<std::string> SandboxService::unary(SandboxService& service, const std::string& payload) {
  return call_member(service, M, payload);
}

const SandboxService::Method SandboxService::kMethods[] = {
    {"CreateSandbox", &unary<&SandboxService::create_sandbox>},
    {"StartSandbox", &unary<&SandboxService::start>},
    {"Platform", &unary<&SandboxService::platform>},
    {"StopSandbox", &unary<&SandboxService::stop>},
    {"SandboxStatus", &unary<&SandboxService::status>},
    {"PingSandbox", &unary<&SandboxService::ping>},
    {"ShutdownSandbox", &unary<&SandboxService::shut_down>},
    {"SandboxMetrics", &unary<&SandboxService::metrics>},
};

std::unique_ptr<SandboxService> SandboxService::create(TaskService& tasks) {
  return std::unique_ptr<SandboxService>(new SandboxService(tasks));
}

SandboxService::SandboxService(TaskService& tasks) : tasks_(tasks), pool_(WorkerPool::create(kThreads)) {}

void SandboxService::handle(Request request, Call call) {
  if (request.method == "WaitSandbox") {
    // The messages of Wait are the same on the wire.
    request.service = kTaskService;
    request.method = "Wait";
    return tasks_.handle(std::move(request), std::move(call));
  }
  const Method* const found = std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& m) { return m.name == request.method; });
  if (found == std::end(kMethods)) {
    return call.refuse(Status::unimplemented, "no method /" + request.service + "/" + request.method);
  }
  auto held = std::make_shared<Call>(std::move(call));
  const bool ends = request.method == "ShutdownSandbox";
  pool_->submit([this, found, held, ends, payload = std::move(request.payload)] {
    auto answer = found->run(*this, payload);
    if (!answer) return held->refuse(answer.error());
    held->answer(*std::move(answer));
    if (ends) tasks_.shut_down();
  });
}

Result<SandboxService::Sandbox> SandboxService::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = sandboxes_.find(id);
  if (found == sandboxes_.end()) return error(ErrorKind::not_found, "sandbox " + id + " not found");
  return found->second;
}

Result<void> SandboxService::make(const pb::CreateSandboxRequest& request, const std::string& spec) {
  TRY(make_pod_files(request));
  const std::string rootfs = request.bundle_path() + "/rootfs";
  if (::mkdir(rootfs.c_str(), 0711) != 0 && errno != EEXIST) return os_error(errno, rootfs);
  TRY(replace_file(request.bundle_path() + "/config.json", spec, 0600));
  pb::CreateTaskRequest task;
  task.set_id(request.sandbox_id());
  task.set_bundle(request.bundle_path());
  *task.mutable_rootfs() = request.rootfs();
  if (task.rootfs().empty()) add_empty_root(task, TRY(sandbox::parse_spec(spec)).linux_);
  TRY(tasks_.create_task(task));
  return {};
}

Result<pb::Empty> SandboxService::create_sandbox(const pb::CreateSandboxRequest& request) {
  TRY(check_id(request.sandbox_id()));
  if (request.bundle_path().empty() || request.bundle_path()[0] != '/') return error(ErrorKind::invalid, "bundle_path must be an absolute path");
  const UniqueFd users = TRY(owner_of_network(request));
  const std::string spec = TRY(pod_spec(request, users ? "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(users.get()) : ""));
  {
    const std::lock_guard lock(mutex_);
    // One shim is one pod.
    if (!sandboxes_.empty()) return error(ErrorKind::already_exists, "sandbox " + sandboxes_.begin()->first + " already exists in this shim");
    sandboxes_.emplace(request.sandbox_id(), Sandbox{request.bundle_path(), spec, now()});
  }
  tasks_.share_files_of(request.bundle_path());
  Result<void> made = make(request, spec);
  if (made) return pb::Empty();
  remove_pod_files(request.bundle_path());
  const std::lock_guard lock(mutex_);
  sandboxes_.erase(request.sandbox_id());
  return std::move(made).error();
}

Result<pb::StartSandboxResponse> SandboxService::start(const pb::SandboxRequest& request) {
  const Sandbox sandbox = TRY(find(request.sandbox_id()));
  pb::StartRequest task;
  task.set_id(request.sandbox_id());
  pb::StartSandboxResponse response;
  response.set_pid(TRY(tasks_.start(task)).pid());
  *response.mutable_created_at() = sandbox.created_at;
  response.mutable_spec()->set_type_url(kSpecType);
  response.mutable_spec()->set_value(sandbox.spec);
  return response;
}

Result<pb::PlatformResponse> SandboxService::platform(const pb::SandboxRequest&) {
  pb::PlatformResponse response;
  response.mutable_platform()->set_os("linux");
  response.mutable_platform()->set_architecture(architecture());
  return response;
}

// A pause has nothing to do at its end, so the timeout is not needed.
Result<pb::Empty> SandboxService::stop(const pb::StopSandboxRequest& request) {
  TRY(find(request.sandbox_id()));
  pb::KillRequest task;
  task.set_id(request.sandbox_id());
  task.set_signal(SIGKILL);
  auto killed = tasks_.kill(task);
  if (!killed && killed.error().kind != ErrorKind::not_found) return killed;
  return pb::Empty();
}

Result<pb::SandboxStatusResponse> SandboxService::status(const pb::SandboxStatusRequest& request) {
  const Sandbox sandbox = TRY(find(request.sandbox_id()));
  pb::StateRequest task;
  task.set_id(request.sandbox_id());
  const pb::StateResponse state = TRY(tasks_.state(task));
  pb::SandboxStatusResponse response;
  response.set_sandbox_id(request.sandbox_id());
  response.set_pid(state.pid());
  response.set_state(state.status() == pb::RUNNING ? "SANDBOX_READY" : "SANDBOX_NOTREADY");
  *response.mutable_created_at() = sandbox.created_at;
  if (state.has_exited_at()) *response.mutable_exited_at() = state.exited_at();
  if (request.verbose()) (*response.mutable_info())["config"] = sandbox.spec;
  return response;
}

Result<pb::Empty> SandboxService::ping(const pb::SandboxRequest& request) {
  TRY(find(request.sandbox_id()));
  return pb::Empty();
}

Result<pb::Empty> SandboxService::shut_down(const pb::SandboxRequest& request) {
  // A sandbox that could not be made is none, but its shim must end all the same.
  const auto sandbox = find(request.sandbox_id());
  if (!sandbox) return pb::Empty();
  TRY(tasks_.end(request.sandbox_id()));
  remove_pod_files(sandbox->bundle);
  const std::lock_guard lock(mutex_);
  sandboxes_.erase(request.sandbox_id());
  return pb::Empty();
}

Result<pb::SandboxMetricsResponse> SandboxService::metrics(const pb::SandboxRequest& request) {
  TRY(find(request.sandbox_id()));
  pb::StatsRequest task;
  task.set_id(request.sandbox_id());
  pb::SandboxMetricsResponse response;
  pb::Metric& metric = *response.mutable_metrics();
  *metric.mutable_timestamp() = now();
  metric.set_id(request.sandbox_id());
  *metric.mutable_data() = TRY(tasks_.stats(task)).stats();
  return response;
}

}  // namespace wherry::shim
