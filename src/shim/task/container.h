// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/cgroup.h"
#include "sandbox/entrypoint.h"
#include "sandbox/init.h"
#include "sandbox/spec.h"
#include "shim/proto/task.pb.h"
#include "shim/task/bundle.h"
#include "shim/task/log.h"
#include "shim/task/stdio.h"
#include "shim/ttrpc/server.h"

namespace wherry::shim {

enum class State : uint8_t { creating, created, running, paused, stopped };

// One container of the pod. What build() sets stays as it is until the object
// dies, so that any thread may use it once the state is past `creating`; the
// rest is guarded by the service's mutex.
struct Container {
  Container(std::string id_, Bundle bundle_) : id(std::move(id_)), bundle(std::move(bundle_)) {}
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const std::string id;
  const Bundle bundle;

  // Set by build().
  sandbox::Spec spec;
  StdioConfig stdio_config;
  std::string rootfs;
  bool rootfs_mounted = false;
  std::unique_ptr<Stdio> stdio;
  std::unique_ptr<sandbox::Cgroup> cgroup;
  std::unique_ptr<sandbox::Init> init;

  // Guarded by the service's mutex.
  State state = State::creating;
  bool abandoned = false;  // deleted while it was being created
  bool deleting = false;
  uint32_t exit_status = 0;
  pb::Timestamp exited_at;
  std::vector<Call> waiters;
};

// A module ready to run.
struct Module {
  UniqueFd artifact;
  bool cached = false;
};

// What containers are made with. Borrowed things live as long as the service.
struct Workshop {
  sandbox::CgroupHost cgroups;
  sandbox::Launcher* launcher = nullptr;
  std::function<Result<Module>(const sandbox::Entrypoint&)> prepare;  // compiles or finds in the cache
  Deadline deadline;
  const Log* log = nullptr;
};

// Makes everything up to the init process that waits for Start. On failure
// nothing is left.
Result<void> build(Container& container, const pb::CreateTaskRequest& request, const Workshop& workshop);

// Kills what still runs and takes away cgroup and mounts. Goes on after a
// failure and returns the first.
Result<void> dismantle(Container& container);

}  // namespace wherry::shim
