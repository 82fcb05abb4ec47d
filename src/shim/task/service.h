// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "shim/proto/task.pb.h"
#include "shim/task/container.h"
#include "shim/task/publisher.h"
#include "shim/ttrpc/event_loop.h"
#include "shim/ttrpc/server.h"
#include "shim/ttrpc/worker_pool.h"

namespace wherry::shim {

// containerd.task.v2.Task and containerd.task.v3.Task over the containers of one
// pod. One mutex guards the table and every container's state; it is never held
// during I/O, so that State and Wait answer at once whatever else goes on.
class TaskService {
 public:
  struct Config {
    EventLoop* loop = nullptr;
    Publisher* publisher = nullptr;
    Workshop workshop;  // its loop and deadline are set here
    std::function<void()> before_exit;  // the decision is made: nobody may find this shim any more
    std::function<void()> exit;         // the last answer is given
  };

  static std::unique_ptr<TaskService> create(Config config);
  ~TaskService();
  TaskService(const TaskService&) = delete;
  TaskService& operator=(const TaskService&) = delete;

  // Loop thread.
  void handle(Request request, Call call);
  void connection_closed(uint64_t connection_id);

  // For the shim's other services, on a thread that may wait.
  Result<pb::CreateTaskResponse> create_task(const pb::CreateTaskRequest& request);
  Result<pb::StartResponse> start(const pb::StartRequest& request);
  Result<pb::StateResponse> state(const pb::StateRequest& request);
  Result<pb::Empty> kill(const pb::KillRequest& request);
  Result<pb::StatsResponse> stats(const pb::StatsRequest& request);
  // Kills the container if it runs, and deletes it. Fine if there is none.
  Result<void> end(const std::string& id);
  // Containers created from now on get the files of the pod whose bundle that is.
  void share_files_of(std::string pod_bundle);
  // Exits if there is no container left.
  void shut_down();

 private:
  enum class Where : uint8_t { loop, quick_pool, slow_pool };
  struct Method;
  static const Method kMethods[];
  using ContainerPtr = std::shared_ptr<Container>;  // the table and the requests under way own it
  using ProcessPtr = std::shared_ptr<Process>;

  explicit TaskService(Config config);

  template <auto M>
  static void unary(TaskService& service, const std::string& payload, Call call);
  static void start_where_it_belongs(TaskService& service, const std::string& payload, Call call);
  static void wait(TaskService& service, const std::string& payload, Call call);
  static void shutdown(TaskService& service, const std::string& payload, Call call);

  Result<pb::Empty> exec(const pb::ExecProcessRequest& request);
  Result<pb::DeleteResponse> delete_task(const pb::DeleteRequest& request);
  Result<pb::ConnectResponse> connect(const pb::ConnectRequest& request);
  Result<pb::PidsResponse> pids(const pb::PidsRequest& request);
  Result<pb::Empty> update(const pb::UpdateTaskRequest& request);
  Result<pb::Empty> pause(const pb::PauseRequest& request);
  Result<pb::Empty> resume(const pb::ResumeRequest& request);
  Result<pb::Empty> resize_pty(const pb::ResizePtyRequest& request);
  Result<pb::Empty> close_io(const pb::CloseIORequest& request);

  Result<ContainerPtr> find_locked(const std::string& id) const;
  Result<ProcessPtr> find_process_locked(const Container& container, const std::string& exec_id) const;
  // A container whose build() is done.
  Result<ContainerPtr> find_built(const std::string& id);
  Error abandon(const ContainerPtr& container, const Error& reason);
  void publish_create(const Container& container, const pb::CreateTaskRequest& request);
  void publish_start(const Container& container, const Process& process);
  Result<void> run(const ContainerPtr& container, const ProcessPtr& process);
  Result<void> make_exec(const ContainerPtr& container, const ProcessPtr& process);
  Result<void> run_exec(const ContainerPtr& container, const ProcessPtr& process);
  // Ends an exec that came to nothing; containerd asks for it still.
  void give_up_exec(const ContainerPtr& container, const ProcessPtr& process);
  // Init's exit, if it was held and nothing is in its way any more.
  std::optional<Container::Exit> released_exit_locked(Container& container) const;
  void watch_exit(const ContainerPtr& container, const ProcessPtr& process);
  void exited(const ContainerPtr& container, const ProcessPtr& process);
  void tell_when_read(const ContainerPtr& container, const ProcessPtr& process, const Container::Exit& exit, std::chrono::milliseconds left);
  // Whether init's exit has to wait for that of an exec; then it is held and they are killed.
  bool hold_init_exit(const ContainerPtr& container, const Container::Exit& exit);
  void tell_exit(const ContainerPtr& container, const ProcessPtr& process, const Container::Exit& exit);
  template <class Event>
  Result<pb::Empty> change_state(const std::string& id, State from, State to, Result<void> (Backend::*act)());
  Result<pb::DeleteResponse> delete_exec(const pb::DeleteRequest& request);
  bool may_exit_locked() const;
  Result<void> await_stop(const Container& container);  // that was killed
  bool decide_exit();

  const Config config_;
  std::mutex mutex_;
  std::condition_variable stopped_;  // a process is
  std::map<std::string, ContainerPtr, std::less<>> containers_;
  std::string pod_bundle_;
  bool closing_ = false;
  bool shutdown_wanted_ = false;
  // Create may take long and may not keep the others from a thread.
  std::unique_ptr<WorkerPool> quick_pool_;
  std::unique_ptr<WorkerPool> slow_pool_;
};

}  // namespace wherry::shim
