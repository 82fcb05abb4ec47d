// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "shim/proto/events.pb.h"
#include "shim/task/log.h"
#include "shim/ttrpc/client.h"

namespace wherry::shim {

// Sends events to containerd, in the order of publish(), from a thread of its
// own. While containerd is away the first event is tried again and again and
// the rest wait behind it; beyond kLimit the oldest are lost, since the newest
// tell of exits.
class Publisher {
 public:
  static constexpr size_t kLimit = 4096;

  // `address`: path of containerd's ttrpc socket; "" for nobody to tell.
  static std::unique_ptr<Publisher> create(std::string address, std::string ns, const Log& log);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Any thread; never waits. The timestamp is taken here.
  void publish(const pb::TaskCreate& event) { enqueue("/tasks/create", "containerd.events.TaskCreate", event); }
  void publish(const pb::TaskStart& event) { enqueue("/tasks/start", "containerd.events.TaskStart", event); }
  void publish(const pb::TaskExit& event) { enqueue("/tasks/exit", "containerd.events.TaskExit", event); }
  void publish(const pb::TaskDelete& event) { enqueue("/tasks/delete", "containerd.events.TaskDelete", event); }
  void publish(const pb::TaskOOM& event) { enqueue("/tasks/oom", "containerd.events.TaskOOM", event); }
  void publish(const pb::TaskExecAdded& event) { enqueue("/tasks/exec-added", "containerd.events.TaskExecAdded", event); }
  void publish(const pb::TaskExecStarted& event) { enqueue("/tasks/exec-started", "containerd.events.TaskExecStarted", event); }
  void publish(const pb::TaskPaused& event) { enqueue("/tasks/paused", "containerd.events.TaskPaused", event); }
  void publish(const pb::TaskResumed& event) { enqueue("/tasks/resumed", "containerd.events.TaskResumed", event); }

  // Waits until everything is sent, or not longer than that. True if it is.
  bool flush(std::chrono::milliseconds limit);

 private:
  Publisher(std::string address, std::string ns, const Log& log);
  void enqueue(const char* topic, const char* type, const google::protobuf::MessageLite& event);
  void run();
  // True: done with it, sent or refused for good.
  bool send(const std::string& payload);

  const std::string address_;
  const std::string namespace_;
  const Log& log_;
  std::unique_ptr<Client> client_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;  // serialized ForwardRequests; the first may be on its way
  uint64_t lost_ = 0;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace wherry::shim
