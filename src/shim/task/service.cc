// SPDX-License-Identifier: Apache-2.0
#include "shim/task/service.h"

#include <unistd.h>

#include <algorithm>

#include "shim/task/metrics.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kServices[] = {"containerd.task.v2.Task", "containerd.task.v3.Task"};
constexpr size_t kQuickThreads = 8;
constexpr size_t kSlowThreads = 8;
constexpr std::chrono::seconds kFifoTime{10};

template <class Reply, class Message>
Result<Reply> call_member(TaskService& service, Result<Reply> (TaskService::*member)(const Message&), const std::string& payload) {
  Message message;
  if (!message.ParseFromString(payload)) return error(ErrorKind::invalid, "malformed request");
  return (service.*member)(message);
}

pb::Status status_of_state(State state) {
  switch (state) {
    case State::creating:
    case State::created:
    case State::starting:
      return pb::CREATED;
    case State::running:
      return pb::RUNNING;
    case State::paused:
      return pb::PAUSED;
    case State::stopped:
      break;
  }
  return pb::STOPPED;
}

}  // namespace

struct TaskService::Method {
  std::string_view name;
  Where where;
  void (*run)(TaskService&, const std::string& payload, Call);  // nullptr: not implemented yet
};

template <auto M>
void TaskService::unary(TaskService& service, const std::string& payload, Call call) {
  auto result = call_member(service, M, payload);
  if (!result) return call.refuse(result.error());
  call.answer(result->SerializeAsString());
}

const TaskService::Method TaskService::kMethods[] = {
    {"State", Where::loop, &unary<&TaskService::state>},
    {"Connect", Where::loop, &unary<&TaskService::connect>},
    {"Wait", Where::loop, &TaskService::wait},
    {"CloseIO", Where::loop, &unary<&TaskService::close_io>},
    {"ResizePty", Where::loop, &unary<&TaskService::resize_pty>},
    {"Shutdown", Where::loop, &TaskService::shutdown},
    {"Create", Where::slow_pool, &unary<&TaskService::create_task>},
    {"Delete", Where::quick_pool, &unary<&TaskService::delete_task>},
    {"Start", Where::quick_pool, &TaskService::start_where_it_belongs},
    {"Exec", Where::quick_pool, &unary<&TaskService::exec>},
    {"Kill", Where::quick_pool, &unary<&TaskService::kill>},
    {"Pids", Where::quick_pool, &unary<&TaskService::pids>},
    {"Update", Where::quick_pool, &unary<&TaskService::update>},
    {"Stats", Where::quick_pool, &unary<&TaskService::stats>},
    {"Pause", Where::quick_pool, &unary<&TaskService::pause>},
    {"Resume", Where::quick_pool, &unary<&TaskService::resume>},
    {"Checkpoint", Where::loop, nullptr},
};

std::unique_ptr<TaskService> TaskService::create(Config config) {
  config.workshop.loop = config.loop;
  config.workshop.deadline = [loop = config.loop](std::function<void()> action) {
    loop->post([loop, action = std::move(action)] { loop->after(kFifoTime, action); });
  };
  return std::unique_ptr<TaskService>(new TaskService(std::move(config)));
}

TaskService::TaskService(Config config)
    : config_(std::move(config)), quick_pool_(WorkerPool::create(kQuickThreads)), slow_pool_(WorkerPool::create(kSlowThreads)) {}

TaskService::~TaskService() {
  quick_pool_ = nullptr;
  slow_pool_ = nullptr;
}

void TaskService::handle(Request request, Call call) {
  const Method* const found = std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& m) { return m.name == request.method; });
  const bool known = std::find(std::begin(kServices), std::end(kServices), request.service) != std::end(kServices);
  if (!known || found == std::end(kMethods)) {
    return call.refuse(Status::unimplemented, "no method /" + request.service + "/" + request.method);
  }
  if (!found->run) return call.refuse(Status::unimplemented, request.method + " is not implemented yet");
  if (found->where == Where::loop) return found->run(*this, request.payload, std::move(call));
  WorkerPool& pool = found->where == Where::quick_pool ? *quick_pool_ : *slow_pool_;
  // std::function wants to copy; the call can only move.
  auto held = std::make_shared<Call>(std::move(call));
  pool.submit([this, found, held, payload = std::move(request.payload)] { found->run(*this, payload, std::move(*held)); });
}

void TaskService::connection_closed(uint64_t connection_id) {
  const auto drop = [&](Process& process) {
    std::erase_if(process.waiters, [&](Call& waiter) {
      if (waiter.connection_id() != connection_id) return false;
      waiter.drop();
      return true;
    });
  };
  const std::lock_guard lock(mutex_);
  for (auto& [id, container] : containers_) {
    drop(*container->init);
    for (auto& [exec_id, process] : container->execs) drop(*process);
  }
}

Result<TaskService::ContainerPtr> TaskService::find_locked(const std::string& id) const {
  const auto found = containers_.find(id);
  if (found == containers_.end() || found->second->abandoned) return error(ErrorKind::not_found, "container " + id + " not found");
  return found->second;
}

Result<TaskService::ProcessPtr> TaskService::find_process_locked(const Container& container, const std::string& exec_id) const {
  if (exec_id.empty()) return container.init;
  const auto found = container.execs.find(exec_id);
  if (found == container.execs.end()) return error(ErrorKind::not_found, "exec " + exec_id + " of container " + container.id + " not found");
  return found->second;
}

Result<TaskService::ContainerPtr> TaskService::find_built(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ContainerPtr container = TRY(find_locked(id));
  if (container->init->state == State::creating) {
    return error(ErrorKind::failed_precondition, "container " + id + " is still being created");
  }
  return container;
}

// That of an exec may have to compile a module first.
void TaskService::start_where_it_belongs(TaskService& service, const std::string& payload, Call call) {
  pb::StartRequest request;
  if (!request.ParseFromString(payload)) return call.refuse(Status::invalid_argument, "malformed request");
  if (request.exec_id().empty()) return unary<&TaskService::start>(service, payload, std::move(call));
  auto held = std::make_shared<Call>(std::move(call));
  service.slow_pool_->submit([&service, payload, held] { unary<&TaskService::start>(service, payload, std::move(*held)); });
}

void TaskService::wait(TaskService& service, const std::string& payload, Call call) {
  pb::WaitRequest request;
  if (!request.ParseFromString(payload)) return call.refuse(Status::invalid_argument, "malformed request");
  pb::WaitResponse response;
  {
    const std::lock_guard lock(service.mutex_);
    const auto container = service.find_locked(request.id());
    if (!container) return call.refuse(container.error());
    const auto found = service.find_process_locked(**container, request.exec_id());
    if (!found) return call.refuse(found.error());
    Process& process = **found;
    if (process.state != State::stopped) return process.waiters.push_back(std::move(call));
    fill_exit(process, response);
  }
  call.answer(response.SerializeAsString());
}

Result<pb::StateResponse> TaskService::state(const pb::StateRequest& request) {
  const std::lock_guard lock(mutex_);
  const ContainerPtr container = TRY(find_locked(request.id()));
  const ProcessPtr process = TRY(find_process_locked(*container, request.exec_id()));
  pb::StateResponse response;
  response.set_id(request.exec_id().empty() ? container->id : process->id);
  response.set_bundle(container->bundle.path());
  response.set_status(status_of_state(process->state));
  if (process->state == State::creating) return response;
  response.set_pid(process->pid());
  response.set_stdin(process->stdio_config.stdin_path);
  response.set_stdout(process->stdio_config.stdout_path);
  response.set_stderr(process->stdio_config.stderr_path);
  response.set_terminal(process->stdio_config.terminal);
  response.set_exec_id(process->id);
  if (process->state == State::stopped) fill_exit(*process, response);
  return response;
}

Result<pb::ConnectResponse> TaskService::connect(const pb::ConnectRequest& request) {
  const std::lock_guard lock(mutex_);
  pb::ConnectResponse response;
  response.set_shim_pid(static_cast<uint32_t>(::getpid()));
  const auto found = find_locked(request.id());
  if (found && (*found)->init->state != State::creating) response.set_task_pid((*found)->init->pid());
  return response;
}

Result<pb::PidsResponse> TaskService::pids(const pb::PidsRequest& request) {
  const ContainerPtr container = TRY(find_built(request.id()));
  std::map<uint32_t, std::string> execs;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, process] : container->execs) {
      if (process->state == State::running) execs.emplace(process->pid(), id);
    }
  }
  const uint32_t init = container->init->pid();
  pb::PidsResponse response;
  // Never empty: containerd takes a task without processes for a leaked one.
  response.add_processes()->set_pid(init);
  const auto members = container->backend->pids();
  if (!members) return response;
  for (const int member : *members) {
    const auto pid = static_cast<uint32_t>(member);
    if (pid == init) continue;
    pb::ProcessInfo& info = *response.add_processes();
    info.set_pid(pid);
    const auto exec = execs.find(pid);
    if (exec == execs.end()) continue;
    pb::ProcessDetails details;
    details.set_exec_id(exec->second);
    info.mutable_info()->set_type_url("containerd.runc.v1.ProcessDetails");
    info.mutable_info()->set_value(details.SerializeAsString());
  }
  return response;
}

Result<pb::Empty> TaskService::update(const pb::UpdateTaskRequest& request) {
  constexpr std::string_view kResources = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
  if (request.resources().type_url() != kResources) {
    return error(ErrorKind::invalid, "update: expected resources of type " + std::string(kResources) + ", found " + request.resources().type_url());
  }
  const sandbox::Resources resources = TRY(sandbox::parse_resources(request.resources().value()));
  const ContainerPtr container = TRY(find_built(request.id()));
  {
    const std::lock_guard lock(mutex_);
    if (container->init->state == State::stopped) return error(ErrorKind::failed_precondition, "container " + request.id() + " is stopped");
  }
  TRY(container->backend->update(resources, request.resources().value()));
  return pb::Empty();
}

Result<pb::StatsResponse> TaskService::stats(const pb::StatsRequest& request) {
  const ContainerPtr container = TRY(find_built(request.id()));
  auto counters = container->backend->stats();
  // containerd skips a container that answers this and lists the others.
  if (!counters) return error(ErrorKind::not_found, "container " + container->id + ": " + counters.error().to_string());
  pb::StatsResponse response;
  *response.mutable_stats() = metrics(*counters);
  return response;
}

Result<pb::Empty> TaskService::resize_pty(const pb::ResizePtyRequest& request) {
  const std::lock_guard lock(mutex_);
  const ContainerPtr container = TRY(find_locked(request.id()));
  const ProcessPtr process = TRY(find_process_locked(*container, request.exec_id()));
  if (process->terminal) TRY(process->terminal->resize(request.width(), request.height()));
  return pb::Empty();
}

Result<pb::Empty> TaskService::close_io(const pb::CloseIORequest& request) {
  const std::lock_guard lock(mutex_);
  const ContainerPtr container = TRY(find_locked(request.id()));
  const ProcessPtr process = TRY(find_process_locked(*container, request.exec_id()));
  if (!request.stdin() || process->state == State::creating) return pb::Empty();
  process->stdin_closed = true;
  if (process->stdio) process->stdio->close_stdin();
  return pb::Empty();
}

}  // namespace wherry::shim
