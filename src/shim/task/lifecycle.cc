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
constexpr std::chrono::seconds kEndTime{10};
constexpr std::chrono::milliseconds kReadTime{100}, kStreamTime{10000};

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
  if (oom) return "container ran out of memory; see its memory limit";
  if (status == kTrapped) return "container trapped; the reason and a backtrace are on its stderr";
  return "container exited";
}

sandbox::HookState hook_state(const Container& container, const char* status) {
  const bool stopped = std::string_view(status) == "stopped";
  return {container.id, status, stopped ? 0 : container.init->child->pid(), container.bundle.path(), &container.spec};
}

void run_late_hooks(const Log& log, const Container& container, std::string_view kind, const std::vector<sandbox::Hook>& hooks, const char* status) {
  if (hooks.empty() || container.backend->runs_hooks()) return;
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
    if (pod_bundle_ != request.bundle()) container->pod_bundle = pod_bundle_;
    if (!containers_.emplace(request.id(), container).second) {
      return error(ErrorKind::already_exists, "container " + request.id() + " already exists");
    }
  }
  const auto built = build(*container, request, config_.workshop);
  if (!built) return abandon(container, built.error());
  {
    const std::lock_guard lock(mutex_);
    if (!container->abandoned) {
      container->init->state = State::created;
      attach_terminal(*container->init, *config_.loop);
      publish_create(*container, request);
    }
  }
  if (container->abandoned) {
    const auto undone = dismantle(*container);
    return abandon(container, undone ? error(ErrorKind::failed_precondition, "deleted while it was being created") : undone.error());
  }
  watch_exit(container, container->init);
  pb::CreateTaskResponse response;
  response.set_pid(container->init->pid());
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
    waiters.swap(container->init->waiters);
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
  event.set_pid(container.init->pid());
  config_.publisher->publish(event);
}

void TaskService::publish_start(const Container& container, const Process& process) {
  if (!process.id.empty()) {
    pb::TaskExecStarted event;
    event.set_container_id(container.id);
    event.set_exec_id(process.id);
    event.set_pid(process.pid());
    return config_.publisher->publish(event);
  }
  pb::TaskStart event;
  event.set_container_id(container.id);
  event.set_pid(process.pid());
  config_.publisher->publish(event);
}

Result<pb::StartResponse> TaskService::start(const pb::StartRequest& request) {
  ContainerPtr container;
  ProcessPtr process;
  {
    const std::lock_guard lock(mutex_);
    container = TRY(find_locked(request.id()));
    process = TRY(find_process_locked(*container, request.exec_id()));
    if (process->state == State::stopped) return error(ErrorKind::failed_precondition, "process already finished");
    if (process->state != State::created) return error(ErrorKind::failed_precondition, "process already started");
    if (process != container->init) TRY(check_takes_execs(*container));
    process->state = State::starting;
  }
  TRY(process == container->init ? run(container, process) : run_exec(container, process));
  if (process == container->init) {
    run_late_hooks(*config_.workshop.log, *container, "poststart", container->spec.hooks.poststart, "running");
  }
  pb::StartResponse response;
  response.set_pid(process->pid());
  return response;
}

// From `starting` to `running`, or back to `created`.
Result<void> TaskService::run(const ContainerPtr& container, const ProcessPtr& process) {
  Result<void> started;
  {
    const std::lock_guard lock(mutex_);
    started = process->stdio->started();
  }
  if (started) started = process->child->start();
  const std::lock_guard lock(mutex_);
  process->state = started ? State::running : State::created;
  process->was_started = static_cast<bool>(started);
  if (started) publish_start(*container, *process);
  if (started && process->terminal) process->terminal->start();
  if (process->ended_while_starting) {
    config_.loop->post([this, container, process] { exited(container, process); });
  }
  return started;
}

void TaskService::watch_exit(const ContainerPtr& container, const ProcessPtr& process) {
  config_.loop->post([this, container, process] {
    const auto watched = config_.loop->watch(process->child->pidfd(), EPOLLIN, [this, container, process](uint32_t) { exited(container, process); });
    if (!watched) {
      config_.workshop.log->write(Level::error, "the end of a process will go unnoticed: " + watched.error().to_string(),
                                  {{"container", container->id}, {"exec", process->id}});
    }
  });
}

// Loop thread: the process is dead. Reaps it and tells everybody, unless a Start
// that is under way has to be told first.
void TaskService::exited(const ContainerPtr& container, const ProcessPtr& process) {
  const int pidfd = process->child->pidfd();
  {
    const std::lock_guard lock(mutex_);
    if (process->state == State::starting) {
      process->ended_while_starting = true;
      return config_.loop->forget(pidfd);
    }
  }
  siginfo_t info{};
  if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
  config_.loop->forget(pidfd);
  tell_when_read(container, process, {exit_code(info), now()}, process->stdio->is_streamed() ? kStreamTime : kReadTime);
}

// A client that hears of the end cancels what it has not begun to read of a fifo,
// and all that it has not read of a stream, as containerd's does: a process that
// ends at once would have said nothing. So the end is told when its output is read,
// or after some time in which it is not.
void TaskService::tell_when_read(const ContainerPtr& container, const ProcessPtr& process, const Container::Exit& exit, std::chrono::milliseconds left) {
  constexpr std::chrono::milliseconds kPause{1};
  if (has_unread_output(*process) && left > kPause) {
    config_.loop->after(kPause, [=, this] { tell_when_read(container, process, exit, left - kPause); });
    return;
  }
  if (process == container->init && hold_init_exit(container, exit)) return;
  tell_exit(container, process, exit);
}

std::optional<Container::Exit> TaskService::released_exit_locked(Container& container) const {
  for (const auto& [id, process] : container.execs) {
    if (is_alive(*process)) return std::nullopt;
  }
  return std::exchange(container.held_exit, std::nullopt);
}

bool TaskService::hold_init_exit(const ContainerPtr& container, const Container::Exit& exit) {
  const std::lock_guard lock(mutex_);
  bool hold = false;
  for (const auto& [id, process] : container->execs) {
    if (!is_alive(*process)) continue;
    hold = true;
    if (process->child) (void)process->child->signal(SIGKILL);
  }
  if (hold) container->held_exit = exit;
  return hold;
}

void TaskService::tell_exit(const ContainerPtr& container, const ProcessPtr& process, const Container::Exit& exit) {
  const uint64_t oom_kills = container->backend->oom_kills();
  bool oom = false;
  std::vector<Call> waiters;
  std::optional<Container::Exit> of_init;
  pb::WaitResponse response;
  {
    const std::lock_guard lock(mutex_);
    process->state = State::stopped;
    process->exit_status = exit.status;
    process->exited_at = exit.at;
    stopped_.notify_all();
    waiters.swap(process->waiters);
    fill_exit(*process, response);
    oom = oom_kills > std::exchange(container->oom_kills, oom_kills);
    if (oom) {
      pb::TaskOOM event;
      event.set_container_id(container->id);
      config_.publisher->publish(event);
    }
    pb::TaskExit event;
    event.set_container_id(container->id);
    event.set_id(process->id.empty() ? container->id : process->id);
    event.set_pid(process->pid());
    fill_exit(*process, event);
    config_.publisher->publish(event);
    of_init = released_exit_locked(*container);
  }
  config_.workshop.log->write(oom ? Level::warning : Level::info, describe_exit(exit.status, oom),
                              {{"container", container->id}, {"exec", process->id}, {"status", std::to_string(exit.status)}, {"cgroup", container->backend->cgroup()}});
  const std::string payload = response.SerializeAsString();
  for (Call& waiter : waiters) waiter.answer(payload);
  if (of_init) tell_exit(container, container->init, *of_init);
}

Result<pb::Empty> TaskService::kill(const pb::KillRequest& request) {
  if (request.signal() == 0 || request.signal() > kLastSignal) {
    return error(ErrorKind::invalid, "no such signal: " + std::to_string(request.signal()));
  }
  const ContainerPtr container = TRY(find_built(request.id()));
  ProcessPtr process;
  State state;
  {
    const std::lock_guard lock(mutex_);
    process = TRY(find_process_locked(*container, request.exec_id()));
    state = process->state;
    if (!process->child) return state == State::stopped ? finished() : error(ErrorKind::failed_precondition, "process not created");
  }
  const bool is_init = process == container->init;
  const bool everything = is_init && request.all() && (state == State::stopped || request.signal() == SIGKILL);
  if (everything) {
    TRY(container->backend->kill_all());
  } else if (state == State::stopped) {
    return finished();
  } else {
    TRY(process->child->signal(static_cast<int>(request.signal())));
  }
  if (state == State::paused && request.signal() == SIGKILL) {
    // A frozen process dies when it thaws.
    TRY(container->backend->resume());
  }
  return pb::Empty();
}

// Pause and Resume: takes a container from one state to the other.
template <class Event>
Result<pb::Empty> TaskService::change_state(const std::string& id, State from, State to, Result<void> (Backend::*act)()) {
  const ContainerPtr container = TRY(find_built(id));
  const auto check = [&]() -> Result<void> {
    if (container->init->state == from) return {};
    return error(ErrorKind::failed_precondition, "container " + id + (from == State::running ? " is not running" : " is not paused"));
  };
  {
    const std::lock_guard lock(mutex_);
    TRY(check());
  }
  TRY((*container->backend.*act)());
  const std::lock_guard lock(mutex_);
  TRY(check());
  container->init->state = to;
  Event event;
  event.set_container_id(id);
  config_.publisher->publish(event);
  return pb::Empty();
}

Result<pb::Empty> TaskService::pause(const pb::PauseRequest& request) {
  return change_state<pb::TaskPaused>(request.id(), State::running, State::paused, &Backend::pause);
}

Result<pb::Empty> TaskService::resume(const pb::ResumeRequest& request) {
  return change_state<pb::TaskResumed>(request.id(), State::paused, State::running, &Backend::resume);
}

Result<pb::DeleteResponse> TaskService::delete_task(const pb::DeleteRequest& request) {
  if (!request.exec_id().empty()) return delete_exec(request);
  ContainerPtr container;
  {
    const std::lock_guard lock(mutex_);
    container = TRY(find_locked(request.id()));
    Process& init = *container->init;
    if (init.state == State::creating) {
      container->abandoned = true;
      return error(ErrorKind::not_found, "container " + request.id() + " is not created yet");
    }
    // One that was never started is ended, as runc does: containerd deletes what it has given up creating, and then forgets it.
    if (init.state != State::stopped && init.state != State::created) {
      return error(ErrorKind::failed_precondition, "container " + request.id() + " is not stopped");
    }
    if (std::exchange(init.deleting, true)) return error(ErrorKind::not_found, "container " + request.id() + " is being deleted");
  }
  const auto killed = container->backend->kill_all();
  if (const auto stopped = await_stop(*container); !stopped) {
    const std::lock_guard lock(mutex_);
    container->init->deleting = false;
    return killed ? stopped.error() : killed.error();
  }
  if (killed) drain(*container->init);
  if (const auto done = dismantle(*container); !done) {
    config_.workshop.log->write(Level::warning, "delete: " + done.error().to_string(), {{"container", container->id}});
  }
  run_late_hooks(*config_.workshop.log, *container, "poststop", container->spec.hooks.poststop, "stopped");
  pb::DeleteResponse response;
  response.set_pid(container->init->pid());
  fill_exit(*container->init, response);
  pb::TaskDelete event;
  event.set_container_id(container->id);
  event.set_pid(response.pid());
  fill_exit(*container->init, event);
  const std::lock_guard lock(mutex_);
  containers_.erase(container->id);
  config_.publisher->publish(event);
  return response;
}

bool TaskService::may_exit_locked() const {
  return containers_.empty();
}

Result<void> TaskService::await_stop(const Container& container) {
  std::unique_lock lock(mutex_);
  if (stopped_.wait_for(lock, kEndTime, [&] { return container.init->state == State::stopped; })) return {};
  return error(ErrorKind::unavailable, "container " + container.id + " does not end");
}

Result<void> TaskService::end(const std::string& id) {
  pb::KillRequest kill_request;
  kill_request.set_id(id);
  kill_request.set_signal(SIGKILL);
  kill_request.set_all(true);
  const auto killed = kill(kill_request);
  if (!killed && killed.error().kind != ErrorKind::not_found) return killed.error();
  const auto container = [&] {
    const std::lock_guard lock(mutex_);
    return find_locked(id);
  }();
  if (!container) return {};
  TRY(await_stop(**container));
  pb::DeleteRequest delete_request;
  delete_request.set_id(id);
  const auto deleted = delete_task(delete_request);
  if (!deleted && deleted.error().kind != ErrorKind::not_found) return deleted.error();
  return {};
}

void TaskService::share_files_of(std::string pod_bundle) {
  const std::lock_guard lock(mutex_);
  pod_bundle_ = std::move(pod_bundle);
}

// Whether the shim exits now; if not, it may do so with its last container.
bool TaskService::decide_exit() {
  const std::lock_guard lock(mutex_);
  // Those that were deleted while they are being created end it themselves.
  const bool live = std::any_of(containers_.begin(), containers_.end(), [](const auto& entry) { return !entry.second->abandoned; });
  if (!live) shutdown_wanted_ = true;
  const bool exit = !closing_ && may_exit_locked();
  closing_ = closing_ || exit;
  return exit;
}

void TaskService::shut_down() {
  if (!decide_exit()) return;
  config_.before_exit();
  config_.exit();
}

void TaskService::shutdown(TaskService& service, const std::string&, Call call) {
  const bool exit = service.decide_exit();
  if (exit) service.config_.before_exit();
  call.answer({});
  if (exit) service.config_.exit();
}

}  // namespace wherry::shim
