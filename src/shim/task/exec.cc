// SPDX-License-Identifier: Apache-2.0
// Execs: further processes in a container.
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include "shim/task/service.h"
#include "shim/task/timestamp.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kProcessType = "types.containerd.io/opencontainers/runtime-spec/1/Process";
// Of one container, finished ones that were not deleted too.
constexpr size_t kMaxExecs = 1024;
// containerd's own for "it is not known".
constexpr uint32_t kUnknownExit = 255;

// The words around the reason are runc's and the same everywhere, so that tools
// that look for them find them. A "not found" would be taken for a missing container.
Error exec_error(const Error& reason) {
  const bool keep = reason.kind == ErrorKind::unsupported || reason.kind == ErrorKind::failed_precondition;
  return error(keep ? reason.kind : ErrorKind::io,
               "OCI runtime exec failed: exec failed: unable to start container process: " + reason.to_string());
}

}  // namespace

Result<pb::Empty> TaskService::exec(const pb::ExecProcessRequest& request) {
  TRY(check_id(request.exec_id(), "exec id"));
  if (request.spec().type_url() != kProcessType) {
    return error(ErrorKind::invalid, "exec: expected a specification of type " + std::string(kProcessType) + ", found " + request.spec().type_url());
  }
  const auto process = std::make_shared<Process>(request.exec_id());
  process->spec_json = request.spec().value();
  process->spec = TRY(sandbox::parse_process(process->spec_json));
  TRY(check_terminal(process->spec, request.terminal()));
  process->stdio_config = {request.stdin(), request.stdout(), request.stderr(), request.terminal(), request.id(), config_.workshop.ns};
  process->state = State::created;
  const std::lock_guard lock(mutex_);
  const ContainerPtr container = TRY(find_locked(request.id()));
  TRY(check_takes_execs(*container));
  if (container->execs.size() >= kMaxExecs) {
    return error(ErrorKind::exhausted, "container " + container->id + " has " + std::to_string(kMaxExecs) + " execs that were not deleted");
  }
  if (!container->execs.emplace(process->id, process).second) {
    return error(ErrorKind::already_exists, "exec " + process->id + " of container " + container->id + " already exists");
  }
  pb::TaskExecAdded event;
  event.set_container_id(container->id);
  event.set_exec_id(process->id);
  config_.publisher->publish(event);
  return pb::Empty();
}

// Makes the process, which waits to be started.
Result<void> TaskService::make_exec(const ContainerPtr& container, const ProcessPtr& process) {
  auto stdio = TRY(Stdio::open(process->stdio_config, config_.workshop.deadline, config_.workshop.streams));
  auto child = TRY(container->backend->create_exec(
      {.id = process->id, .process = &process->spec, .process_json = process->spec_json, .stdio = stdio.get()}));
  stdio->container_has_them();
  const std::lock_guard lock(mutex_);
  process->stdio = std::move(stdio);
  process->child = std::move(child);
  attach_terminal(*process, *config_.loop);
  if (process->stdin_closed) process->stdio->close_stdin();
  // Init has ended meanwhile, and its exit waits for this one.
  if (container->held_exit) (void)process->child->signal(SIGKILL);
  return {};
}

Result<void> TaskService::run_exec(const ContainerPtr& container, const ProcessPtr& process) {
  Result<void> done = make_exec(container, process);
  if (done) done = run(container, process);
  if (done) {
    watch_exit(container, process);
    return {};
  }
  give_up_exec(container, process);
  return exec_error(done.error());
}

void TaskService::give_up_exec(const ContainerPtr& container, const ProcessPtr& process) {
  if (process->child) kill_and_reap(*process->child);
  std::vector<Call> waiters;
  pb::WaitResponse response;
  std::optional<Container::Exit> of_init;
  {
    const std::lock_guard lock(mutex_);
    process->state = State::stopped;
    stopped_.notify_all();
    process->exit_status = kUnknownExit;
    process->exited_at = now();
    fill_exit(*process, response);
    waiters.swap(process->waiters);
    of_init = released_exit_locked(*container);
  }
  const std::string payload = response.SerializeAsString();
  for (Call& waiter : waiters) waiter.answer(payload);
  if (of_init) tell_exit(container, container->init, *of_init);
}

// Has no event.
Result<pb::DeleteResponse> TaskService::delete_exec(const pb::DeleteRequest& request) {
  ProcessPtr process;
  {
    const std::lock_guard lock(mutex_);
    const ContainerPtr container = TRY(find_locked(request.id()));
    process = TRY(find_process_locked(*container, request.exec_id()));
    if (is_alive(*process)) return error(ErrorKind::failed_precondition, "exec " + process->id + " is not stopped");
    container->execs.erase(process->id);
  }
  drain(*process);
  pb::DeleteResponse response;
  response.set_pid(process->pid());
  fill_exit(*process, response);
  return response;
}

}  // namespace wherry::shim
