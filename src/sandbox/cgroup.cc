// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sandbox/cgroup_files.h"

namespace wherry::sandbox {
namespace {

// A new v1 cpuset is empty and takes no process before it is filled in.
Result<void> inherit_cpuset(const std::string& directory, const std::string& parent) {
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const auto own = read_control(directory + file);
    if (!own || !own->empty()) continue;
    TRY(write_control(directory + file, TRY(read_control(parent + file))));
  }
  return {};
}

// Makes each directory of `path` below `root`; names the deepest that is new in
// `made`, in the order of making.
Result<void> make_path(const std::string& root, const std::string& path, bool cpuset, std::vector<std::string>& made) {
  std::string parent = root;
  for (const std::string_view part : split_words(path, "/")) {
    const std::string directory = parent + "/" + std::string(part);
    if (::mkdir(directory.c_str(), 0755) == 0) {
      made.push_back(directory);
    } else if (errno != EEXIST) {
      return os_error(errno, "cannot make cgroup " + directory);
    }
    if (cpuset) TRY(inherit_cpuset(directory, parent));
    parent = directory;
  }
  return {};
}

bool has(const std::vector<std::string>& controllers, std::string_view name) {
  for (const std::string& controller : controllers) {
    if (controller == name) return true;
  }
  return false;
}

void collect_pids(const std::string& directory, std::vector<int>& pids) {
  if (const auto text = read_control(directory + "/cgroup.procs")) {
    for (const std::string_view word : split_words(*text)) pids.push_back(static_cast<int>(parse_number(word)));
  }
  for (const std::string& name : subdirectories(directory)) collect_pids(directory + "/" + name, pids);
}

}  // namespace

Cgroup::Cgroup(const CgroupHost& host, std::string path) : host_(host), path_(std::move(path)) {
  for (const CgroupHost::Hierarchy& hierarchy : host_.v1) {
    v1_.push_back({hierarchy.mountpoint + path_, hierarchy.controllers});
  }
  if (!host_.unified.empty()) unified_ = host_.unified + path_;
}

Result<void> Cgroup::make_directories() {
  std::vector<std::string> made;
  Result<void> done;
  for (const CgroupHost::Hierarchy& hierarchy : host_.v1) {
    done = make_path(hierarchy.mountpoint, path_, has(hierarchy.controllers, "cpuset"), made);
    if (!done) break;
  }
  if (done && !host_.unified.empty()) done = make_path(host_.unified, path_, false, made);
  if (done && host_.version == CgroupVersion::v2) done = enable_controllers();
  if (!done) {
    for (auto directory = made.rbegin(); directory != made.rend(); ++directory) ::rmdir(directory->c_str());
  }
  return done;
}

// Every available controller, in each ancestor. One that can not be enabled (a
// parent with processes of its own) is reported by set() if a limit needs it.
Result<void> Cgroup::enable_controllers() {
  std::string directory = host_.unified;
  for (const std::string_view part : split_words(path_, "/")) {
    const std::string available = TRY(read_control(directory + "/cgroup.controllers"));
    const std::string enabled = TRY(read_control(directory + "/cgroup.subtree_control"));
    const auto already = split_words(enabled);
    std::string wanted;
    std::vector<std::string> each;
    for (const std::string_view controller : split_words(available)) {
      if (std::find(already.begin(), already.end(), controller) != already.end()) continue;
      each.push_back("+" + std::string(controller));
      wanted.append(wanted.empty() ? "" : " ").append(each.back());
    }
    if (!wanted.empty() && !write_control(directory + "/cgroup.subtree_control", wanted)) {
      for (const std::string& one : each) (void)write_control(directory + "/cgroup.subtree_control", one);
    }
    directory.append("/").append(part);
  }
  return {};
}

Result<void> Cgroup::check_vacant(const CgroupHost& host, const CgroupPath& at) {
  const auto there = open(host, at.path);
  if (!there) return there.error().kind == ErrorKind::not_found ? Result<void>() : there.error();
  return (*there)->check_vacant();
}

Result<void> Cgroup::check_vacant() const {
  if (TRY(pids()).empty()) return {};
  return error(ErrorKind::already_exists, "cgroup " + path_ + " exists and holds processes");
}

Result<std::unique_ptr<Cgroup>> Cgroup::create(const CgroupHost& host, const CgroupPath& at) {
  std::unique_ptr<Cgroup> cgroup(new Cgroup(host, at.path));
  if (at.scope) {
    cgroup->placeholder_ = TRY(Placeholder::create());
    TRY(start_scope(host.systemd, *at.scope, cgroup->placeholder_->pid()));
    cgroup->scope_ = at.scope;
    // What systemd does not manage, such as version 1's freezer.
    TRY(cgroup->make_directories());
    return cgroup;
  }
  TRY(cgroup->make_directories());
  TRY(cgroup->check_vacant());
  return cgroup;
}

Result<std::unique_ptr<Cgroup>> Cgroup::open(const CgroupHost& host, const std::string& path) {
  std::unique_ptr<Cgroup> cgroup(new Cgroup(host, path));
  bool any = false;
  for (Directory& directory : cgroup->v1_) {
    if (!control_exists(directory.path)) directory.path.clear();
    any = any || !directory.path.empty();
  }
  if (!cgroup->unified_.empty() && !control_exists(cgroup->unified_)) cgroup->unified_.clear();
  if (!any && cgroup->unified_.empty()) return error(ErrorKind::not_found, "cgroup " + path + " does not exist");
  return cgroup;
}

std::string Cgroup::directory(std::string_view controller) const {
  if (host_.version == CgroupVersion::v2) return unified_;
  for (const Directory& directory : v1_) {
    if (has(directory.controllers, controller)) return directory.path;
  }
  return "";
}

Result<void> Cgroup::add(int pid) {
  const std::string number = std::to_string(pid);
  for (const Directory& directory : v1_) {
    if (!directory.path.empty()) TRY(write_control(directory.path + "/cgroup.procs", number));
  }
  if (!unified_.empty()) TRY(write_control(unified_ + "/cgroup.procs", number));
  return {};
}

Result<std::vector<int>> Cgroup::pids() const {
  std::vector<int> pids;
  std::string from = unified_;
  for (const Directory& directory : v1_) {
    if (from.empty()) from = directory.path;
  }
  if (!from.empty()) collect_pids(from, pids);
  return pids;
}

Result<Cgroup::Placement> Cgroup::placement() const {
  Placement placement;
  for (const Directory& directory : v1_) {
    if (directory.path.empty()) continue;
    const std::string file = directory.path + "/tasks";
    const UniqueFd& fd = placement.tasks.emplace_back(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return os_error(errno, file);
  }
  if (!unified_.empty()) {
    placement.unified.reset(::open(unified_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!placement.unified) return os_error(errno, unified_);
  }
  return placement;
}

Result<void> Cgroup::set(const Resources& resources) {
  const bool unified = host_.version == CgroupVersion::v2;
  if (scope_) TRY(set_scope(host_.systemd, *scope_, resources, unified));
  return unified ? set_v2(resources) : set_v1(resources);
}

Result<CgroupStats> Cgroup::stats() const { return host_.version == CgroupVersion::v2 ? stats_v2() : stats_v1(); }

uint64_t Cgroup::memory_limit() const {
  const std::string memory = directory("memory");
  if (memory.empty()) return UINT64_MAX;
  const char* file = host_.version == CgroupVersion::v2 ? "/memory.max" : "/memory.limit_in_bytes";
  return read_number(memory + file, UINT64_MAX);
}

}  // namespace wherry::sandbox
