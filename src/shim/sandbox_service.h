// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "shim/proto/sandbox.pb.h"
#include "shim/task/service.h"
#include "shim/ttrpc/server.h"
#include "shim/ttrpc/worker_pool.h"

namespace wherry::shim {

// containerd.runtime.sandbox.v1.Sandbox, for `sandboxer = "shim"`: here the shim makes
// the pod's sandbox itself. It is a container of the task service like any pause
// container; only its specification and the pod's files are made by us.
class SandboxService {
 public:
  static constexpr std::string_view kService = "containerd.runtime.sandbox.v1.Sandbox";

  static std::unique_ptr<SandboxService> create(TaskService& tasks);
  SandboxService(const SandboxService&) = delete;
  SandboxService& operator=(const SandboxService&) = delete;

  // Loop thread.
  void handle(Request request, Call call);

 private:
  struct Method;
  static const Method kMethods[];
  struct Sandbox {
    std::string bundle;
    std::string spec;  // config.json
    pb::Timestamp created_at;
  };

  explicit SandboxService(TaskService& tasks);
  template <auto M>
  static Result<std::string> unary(SandboxService& service, const std::string& payload);

  Result<pb::Empty> create_sandbox(const pb::CreateSandboxRequest& request);
  Result<pb::StartSandboxResponse> start(const pb::SandboxRequest& request);
  Result<pb::PlatformResponse> platform(const pb::SandboxRequest& request);
  Result<pb::Empty> stop(const pb::StopSandboxRequest& request);
  Result<pb::SandboxStatusResponse> status(const pb::SandboxStatusRequest& request);
  Result<pb::Empty> ping(const pb::SandboxRequest& request);
  Result<pb::Empty> shut_down(const pb::SandboxRequest& request);
  Result<pb::SandboxMetricsResponse> metrics(const pb::SandboxRequest& request);
  Result<Sandbox> find(const std::string& id);
  Result<void> make(const pb::CreateSandboxRequest& request, const std::string& spec);

  TaskService& tasks_;
  std::mutex mutex_;
  std::map<std::string, Sandbox, std::less<>> sandboxes_;
  std::unique_ptr<WorkerPool> pool_;
};

}  // namespace wherry::shim
