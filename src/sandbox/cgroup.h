// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/cgroup_stats.h"
#include "sandbox/spec.h"
#include "sandbox/systemd/scope.h"

namespace wherry::sandbox {

enum class CgroupVersion : uint8_t {
  v1,      // controllers in hierarchies of their own, no unified one
  hybrid,  // the same, and a unified hierarchy without controllers for processes
  v2,      // one unified hierarchy
};

// Which hierarchies a machine has, found by their directories below `root`, so
// that a test can make a tree of its own.
struct CgroupHost {
  struct Hierarchy {
    std::string mountpoint;
    std::vector<std::string> controllers;  // "memory"; "cpu" and "cpuacct" may share one
  };

  CgroupVersion version = CgroupVersion::v2;
  std::vector<Hierarchy> v1;
  std::string unified;  // mountpoint, "" on pure v1
  std::string systemd = "/run/systemd/private";  // its socket, for the systemd driver

  static Result<CgroupHost> detect(const std::string& root = "/sys/fs/cgroup");
  // Whether systemd runs and can be asked.
  bool has_systemd() const;
};

// The path of a cgroup below each hierarchy's root, and the unit it belongs to if
// systemd makes it.
struct CgroupPath {
  CgroupPath(std::string path_) : path(std::move(path_)) {}
  explicit CgroupPath(ScopeUnit unit) : path(cgroup_of(unit)), scope(std::move(unit)) {}

  std::string path;
  std::optional<ScopeUnit> scope;
};

// A container's: cgroupsPath, made canonical, or /wherry/<id> if it is empty. The
// form slice:prefix:name asks for the systemd driver; where there is no systemd it is
// a directory's name, as it is for runc's other driver. ".." is refused.
Result<CgroupPath> cgroup_path(std::string_view cgroupsPath, std::string_view id, bool systemd);

// One container's cgroup: the same path in every hierarchy. The object does not
// own the directories: remove() does away with them, destruction does not, and
// open() finds them again after a crash. Threads: const functions may run at once.
class Cgroup {
 public:
  // already_exists if it is there and holds processes. For a caller that notes the
  // path before it makes the cgroup, so that who finds the note may remove it.
  static Result<void> check_vacant(const CgroupHost& host, const CgroupPath& path);
  // Makes the directories (those that exist are taken over if they hold no
  // process) and enables controllers on the way down; on failure removes what it made.
  // With a scope, systemd makes it, and a process of ours waits in it until settle().
  static Result<std::unique_ptr<Cgroup>> create(const CgroupHost& host, const CgroupPath& path);
  // For one that should exist; hierarchies where it does not are left out.
  // not_found if there is none at all.
  static Result<std::unique_ptr<Cgroup>> open(const CgroupHost& host, const std::string& path);

  CgroupVersion version() const { return host_.version; }
  const std::string& path() const { return path_; }

  // The container's first process is in it.
  void settle() { placeholder_ = nullptr; }

  // Sets what `resources` names and leaves the rest; values are converted
  // between the two versions as crun does.
  Result<void> set(const Resources& resources);

  Result<void> add(int pid);
  // The processes in it and below, as this pid namespace sees them.
  Result<std::vector<int>> pids() const;
  Result<CgroupStats> stats() const;
  // Its own memory limit in bytes, or UINT64_MAX.
  uint64_t memory_limit() const;

  Result<void> freeze();
  Result<void> thaw();
  bool is_frozen() const;
  // SIGKILL to everything in it and below, also if frozen.
  Result<void> kill_all();

  // Becomes readable (POLLIN) when the kernel ran out of memory in it, and may do
  // so for other reasons: compare oom_kills() before and after. Read it to rearm.
  Result<UniqueFd> watch_oom() const;
  // How many processes of it the kernel killed for memory so far.
  uint64_t oom_kills() const;

  // Removes it and what is below. Waits (at most about two seconds) for dying
  // processes; "cgroup /x is still in use" if some stay. Fine if it is gone.
  Result<void> remove();

  // What a new process needs to be born in it.
  struct Placement {
    UniqueFd unified;             // directory for CLONE_INTO_CGROUP, if there is one
    std::vector<UniqueFd> tasks;  // v1 files into which the process itself writes "0"
  };
  Result<Placement> placement() const;

  // Where a controller's files of this cgroup are, "" if there is none.
  std::string directory(std::string_view controller) const;

 private:
  struct Directory {
    std::string path;  // "" if absent
    std::vector<std::string> controllers;
  };
  Cgroup(const CgroupHost& host, std::string path);
  Result<void> check_vacant() const;
  Result<void> make_directories();
  Result<void> enable_controllers();
  Result<void> set_v1(const Resources& resources);
  Result<void> set_v2(const Resources& resources);
  Result<CgroupStats> stats_v1() const;
  Result<CgroupStats> stats_v2() const;

  const CgroupHost host_;
  const std::string path_;
  std::vector<Directory> v1_;
  std::string unified_;
  std::optional<ScopeUnit> scope_;
  std::unique_ptr<Placeholder> placeholder_;
};

}  // namespace wherry::sandbox
