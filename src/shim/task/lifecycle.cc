// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>

#include "sandbox/hooks.h"
#include "shim/task/service.h"
#include "shim/task/timestamp.h"

namespace wherry::shim {
namespace {

constexpr uint32_t kLastSignal = 64;

Error finished() { return error(ErrorKind::not_found, "process already finished"); }

// What containerd shows of a failed create is the text. Most kinds are kept from
// it: a "not found" would be taken for a missing container, and not for a file.
Error create_error(const std::string& id, const Error& reason) {
  const bool keep = reason.kind == ErrorKind::already_exists || reason.kind == ErrorKind::unsupported;
  return error(keep ? reason.kind : ErrorKind::io, "container " + id + ": " + reason.to_string());
}

uint32_t exit_code(const siginfo_t& info) {
  constexpr uint32_t kSignalled = 128;
  const auto status = static_cast<uint32_t>(info.si_status);
  return info.si_code == CLD_EXITED ? status : kSignalled + status;
}

// What happened and where to look.
std::string_view describe_exit(uint32_t status, bool oom) {
  constexpr uint32_t kTrapped = 134;
  if (oom) return "container was killed by the kernel for want of memory; see its memory limit";
  if (status == kTrapped) return "container trapped; the reason and a backtrace are on its stderr";
  return "container exited";
}

sandbox::HookState hook_state(const Container& container, const char* status) {
  return {container.id, status, std::string_view(status) == "stopped" ? 0 : container.init->pid(), container.bundle.path(), &container.spec};
}

void run_late_hooks(const Log& log, const Container& container, std::string_view kind, const std::vector<sandbox::Hook>& hooks, const char* status) {
  if (hooks.empty()) return;
  const auto done = sandbox::run_hooks(kind, hooks, hook_state(container, status));
  if (!done) log.write(Level::warning, done.error().to_string(), {{"container", container.id}});
}

}  // namespace

Result<pb::CreateTaskResponse> TaskService::create_task(const pb::CreateTaskRequest& request) {
  TRY(check_id(request.id()));
  if (request.bundle().empty() || request.bundle()[0] != '/') return error(ErrorKind::invalid, "bundle must be an absolute path");
  const auto container = std::make_shared<Container>(request.id(), Bundle(request.bundle()));
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return error(ErrorKind::unavailable, "the shim is shutting down");
    if (!containers_.emplace(request.id(), container).second) {
      return error(ErrorKind::already_exists, "container " + request.id() + " already exists");
    }
  }
  const auto built = build(*container, request, config_.workshop);
  if (!built) return abandon(container, built.error());
  {
    const std::lock_guard lock(mutex_);
    if (!container->abandoned) {
      container->state = State::created;
      publish_create(*container, request);
    }
  }
  if (container->abandoned) {
    const auto undone = dismantle(*container);
    return abandon(container, undone ? error(ErrorKind::failed_precondition, "deleted while it was being created") : undone.error());
  }
  watch_exit(container);
  pb::CreateTaskResponse response;
  response.set_pid(static_cast<uint32_t>(container->init->pid()));
  return response;
}

// Forgets a container whose creation came to nothing.
Error TaskService::abandon(const ContainerPtr& container, const Error& reason) {
  config_.workshop.log->write(Level::error, "create failed: " + reason.to_string(),
                              {{"container", container->id}, {"bundle", container->bundle.path()}});
  std::vector<Call> waiters;
  bool exit = false;
  {
    const std::lock_guard lock(mutex_);
    containers_.erase(container->id);
    waiters.swap(container->waiters);
    exit = shutdown_wanted_ && !closing_ && may_exit_locked();
    closing_ = closing_ || exit;
  }
  for (Call& waiter : waiters) waiter.refuse(Status::not_found, "container " + container->id + " not found");
  if (exit) {
    config_.before_exit();
    config_.exit();
  }
  return create_error(container->id, reason);
}

void TaskService::publish_create(const Container& container, const pb::CreateTaskRequest& request) {
  pb::TaskCreate event;
  event.set_container_id(container.id);
  event.set_bundle(container.bundle.path());
  *event.mutable_rootfs() = request.rootfs();
  event.mutable_io()->set_stdin(request.stdin());
  event.mutable_io()->set_stdout(request.stdout());
  event.mutable_io()->set_stderr(request.stderr());
  event.mutable_io()->set_terminal(request.terminal());
  event.set_pid(static_cast<uint32_t>(container.init->pid()));
  config_.publisher->publish(event);
}

Result<pb::StartResponse> TaskService::start(const pb::StartRequest& request) {
  ContainerPtr container;
  {
    const std::lock_guard lock(mutex_);
    container = TRY(find_locked(request.id(), request.exec_id()));
    if (container->state == State::stopped) return error(ErrorKind::failed_precondition, "process already finished");
    if (container->state != State::created) return error(ErrorKind::failed_precondition, "process already started");
    TRY(container->stdio->started());
    // One byte into a pipe. With the lock held, so that the exit comes after the start.
    TRY(container->init->start());
    container->state = State::running;
    pb::TaskStart event;
    event.set_container_id(container->id);
    event.set_pid(static_cast<uint32_t>(container->init->pid()));
    config_.publisher->publish(event);
  }
  run_late_hooks(*config_.workshop.log, *container, "poststart", container->spec.hooks.poststart, "running");
  pb::StartResponse response;
  response.set_pid(static_cast<uint32_t>(container->init->pid()));
  return response;
}

void TaskService::watch_exit(const ContainerPtr& container) {
  config_.loop->post([this, container] {
    const auto watched = config_.loop->watch(container->init->pidfd(), EPOLLIN, [this, container](uint32_t) { exited(container); });
    if (!watched) config_.workshop.log->write(Level::error, "the end of init will go unnoticed: " + watched.error().to_string(), {{"container", container->id}});
  });
}

// The init process is dead: reaps it and tells everybody.
void TaskService::exited(const ContainerPtr& container) {
  siginfo_t info{};
  const int pidfd = container->init->pidfd();
  if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
  config_.loop->forget(pidfd);
  const bool oom = container->cgroup->oom_kills() > 0;
  std::vector<Call> waiters;
  pb::WaitResponse response;
  {
    const std::lock_guard lock(mutex_);
    container->state = State::stopped;
    container->exit_status = exit_code(info);
    container->exited_at = now();
    waiters.swap(container->waiters);
    response.set_exit_status(container->exit_status);
    *response.mutable_exited_at() = container->exited_at;
    if (oom) {
      pb::TaskOOM event;
      event.set_container_id(container->id);
      config_.publisher->publish(event);
    }
    pb::TaskExit event;
    event.set_container_id(container->id);
    event.set_id(container->id);
    event.set_pid(static_cast<uint32_t>(container->init->pid()));
    event.set_exit_status(container->exit_status);
    *event.mutable_exited_at() = container->exited_at;
    config_.publisher->publish(event);
  }
  config_.workshop.log->write(oom ? Level::warning : Level::info, describe_exit(container->exit_status, oom),
                              {{"container", container->id}, {"status", std::to_string(container->exit_status)}, {"cgroup", container->cgroup->path()}});
  const std::string payload = response.SerializeAsString();
  for (Call& waiter : waiters) waiter.answer(payload);
}

Result<pb::Empty> TaskService::kill(const pb::KillRequest& request) {
  if (request.signal() == 0 || request.signal() > kLastSignal) {
    return error(ErrorKind::invalid, "no such signal: " + std::to_string(request.signal()));
  }
  const ContainerPtr container = TRY(find_built(request.id(), request.exec_id()));
  State state;
  {
    const std::lock_guard lock(mutex_);
    state = container->state;
  }
  const bool everything = request.all() && (state == State::stopped || request.signal() == SIGKILL);
  if (everything) {
    TRY(container->cgroup->kill_all());
  } else if (state == State::stopped) {
    return finished();
  } else {
    TRY(container->init->signal(static_cast<int>(request.signal())));
  }
  if (state == State::paused && request.signal() == SIGKILL) {
    // A frozen process dies when it thaws.
    TRY(container->cgroup->thaw());
  }
  return pb::Empty();
}

Result<pb::Empty> TaskService::pause(const pb::PauseRequest& request) {
  const ContainerPtr container = TRY(find_built(request.id()));
  {
    const std::lock_guard lock(mutex_);
    if (container->state != State::running) return error(ErrorKind::failed_precondition, "container " + request.id() + " is not running");
  }
  TRY(container->cgroup->freeze());
  const std::lock_guard lock(mutex_);
  if (container->state != State::running) return error(ErrorKind::failed_precondition, "container " + request.id() + " is not running");
  container->state = State::paused;
  pb::TaskPaused event;
  event.set_container_id(container->id);
  config_.publisher->publish(event);
  return pb::Empty();
}

Result<pb::Empty> TaskService::resume(const pb::ResumeRequest& request) {
  const ContainerPtr container = TRY(find_built(request.id()));
  {
    const std::lock_guard lock(mutex_);
    if (container->state != State::paused) return error(ErrorKind::failed_precondition, "container " + request.id() + " is not paused");
  }
  TRY(container->cgroup->thaw());
  const std::lock_guard lock(mutex_);
  if (container->state != State::paused) return error(ErrorKind::failed_precondition, "container " + request.id() + " is not paused");
  container->state = State::running;
  pb::TaskResumed event;
  event.set_container_id(container->id);
  config_.publisher->publish(event);
  return pb::Empty();
}

Result<pb::DeleteResponse> TaskService::delete_task(const pb::DeleteRequest& request) {
  ContainerPtr container;
  {
    const std::lock_guard lock(mutex_);
    container = TRY(find_locked(request.id(), request.exec_id()));
    if (container->state == State::creating) {
      container->abandoned = true;
      return error(ErrorKind::not_found, "container " + request.id() + " is not created yet");
    }
    if (container->state != State::stopped) return error(ErrorKind::failed_precondition, "container " + request.id() + " is not stopped");
    if (std::exchange(container->deleting, true)) return error(ErrorKind::not_found, "container " + request.id() + " is being deleted");
  }
  if (const auto done = dismantle(*container); !done) {
    config_.workshop.log->write(Level::warning, "delete: " + done.error().to_string(), {{"container", container->id}});
  }
  run_late_hooks(*config_.workshop.log, *container, "poststop", container->spec.hooks.poststop, "stopped");
  pb::DeleteResponse response;
  response.set_pid(static_cast<uint32_t>(container->init->pid()));
  response.set_exit_status(container->exit_status);
  *response.mutable_exited_at() = container->exited_at;
  pb::TaskDelete event;
  event.set_container_id(container->id);
  event.set_pid(response.pid());
  event.set_exit_status(response.exit_status());
  *event.mutable_exited_at() = response.exited_at();
  const std::lock_guard lock(mutex_);
  containers_.erase(container->id);
  config_.publisher->publish(event);
  return response;
}

bool TaskService::may_exit_locked() const {
  return containers_.empty();
}

void TaskService::shutdown(TaskService& service, const std::string&, Call call) {
  bool exit = false;
  {
    const std::lock_guard lock(service.mutex_);
    // Those that were deleted while they are being created end it themselves.
    const bool live = std::any_of(service.containers_.begin(), service.containers_.end(), [](const auto& entry) { return !entry.second->abandoned; });
    if (!live) service.shutdown_wanted_ = true;
    exit = !service.closing_ && service.may_exit_locked();
    service.closing_ = service.closing_ || exit;
  }
  if (exit) service.config_.before_exit();
  call.answer({});
  if (exit) service.config_.exit();
}

}  // namespace wherry::shim
