// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/sources.h"
#include "sandbox/cgroup.h"
#include "sandbox/entrypoint.h"
#include "sandbox/init.h"
#include "sandbox/spec.h"
#include "shim/proto/task.pb.h"
#include "shim/task/bundle.h"
#include "shim/task/exec_program.h"
#include "shim/task/log.h"
#include "shim/task/module_source.h"
#include "shim/task/process.h"
#include "shim/ttrpc/event_loop.h"

namespace wherry::shim {

// What containers are made with. Borrowed things live as long as the service.
struct Workshop {
  sandbox::CgroupHost cgroups;
  sandbox::Launcher* launcher = nullptr;
  ModuleSource* modules = nullptr;
  Toolbox toolbox;
  Deadline deadline;
  EventLoop* loop = nullptr;
  StreamRelay* streams = nullptr;
  std::string search_path;  // where the node's runc is
  std::string node_file;    // of settings; "": the usual one
  std::string ns;           // containerd's
  const Log* log = nullptr;
};

// One container of the pod. What build() sets stays as it is until the object
// dies, so that any thread may use it once init's state is past `creating`; the
// rest is guarded by the service's mutex.
struct Container {
  Container(std::string id_, Bundle bundle_) : id(std::move(id_)), bundle(std::move(bundle_)) {}
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const std::string id;
  const Bundle bundle;
  std::string pod_bundle;  // "": containerd made the pod's files

  // Set by build().
  std::string spec_json;
  sandbox::Spec spec;
  config::Settings settings;
  std::string rootfs;
  bool rootfs_mounted = false;
  std::unique_ptr<Backend> backend;

  // Guarded by the service's mutex. The requests under way are the other owners of
  // a process.
  const std::shared_ptr<Process> init = std::make_shared<Process>("");
  std::map<std::string, std::shared_ptr<Process>, std::less<>> execs;
  bool abandoned = false;  // deleted while it was being created
  uint64_t oom_kills = 0;  // those already told
  // Init is reaped, but execs still run: its exit is the last to be told.
  struct Exit {
    uint32_t status = 0;
    pb::Timestamp at;
  };
  std::optional<Exit> held_exit;
};

// containerd says twice whether a process has a terminal.
Result<void> check_terminal(const sandbox::Process& process, bool requested);

// Whether a process may be added now; with the service's mutex held.
Result<void> check_takes_execs(const Container& container);

// Makes everything up to the init process that waits for Start. On failure
// nothing is left.
Result<void> build(Container& container, const pb::CreateTaskRequest& request, const Workshop& workshop);

// Kills what still runs and takes away cgroup and mounts. Goes on after a
// failure and returns the first.
Result<void> dismantle(Container& container);

}  // namespace wherry::shim
