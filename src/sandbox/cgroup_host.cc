// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>

#include "sandbox/cgroup.h"
#include "sandbox/cgroup_files.h"

namespace wherry::sandbox {

// A controller's hierarchy is a directory named after it, or after several with
// commas between ("cpu,cpuacct", with symbolic links beside it).
Result<CgroupHost> CgroupHost::detect(const std::string& root) {
  CgroupHost host;
  if (control_exists(root + "/cgroup.controllers")) {
    host.unified = root;
    return host;
  }
  std::vector<std::string> names = subdirectories(root);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string mountpoint = root + "/" + name;
    if (control_exists(mountpoint + "/cgroup.controllers")) {
      host.unified = mountpoint;
    } else if (control_exists(mountpoint + "/cgroup.procs")) {
      Hierarchy& hierarchy = host.v1.emplace_back();
      hierarchy.mountpoint = mountpoint;
      for (const std::string_view controller : split_words(name, ",")) hierarchy.controllers.emplace_back(controller);
    }
  }
  if (host.v1.empty() && host.unified.empty()) {
    return error(ErrorKind::unavailable, "no cgroup hierarchy is mounted at " + root);
  }
  host.version = host.v1.empty() ? CgroupVersion::v2 : host.unified.empty() ? CgroupVersion::v1 : CgroupVersion::hybrid;
  return host;
}

bool CgroupHost::has_systemd() const { return ::access(systemd.c_str(), F_OK) == 0; }

Result<CgroupPath> cgroup_path(std::string_view cgroupsPath, std::string_view id, bool systemd) {
  if (systemd && names_scope(cgroupsPath)) return CgroupPath(TRY(parse_scope(cgroupsPath)));
  std::string path;
  for (const std::string_view part : split_words(cgroupsPath, "/")) {
    if (part == ".") continue;
    if (part == "..") return error(ErrorKind::invalid, "cgroupsPath `" + std::string(cgroupsPath) + "` contains `..`");
    path.append("/").append(part);
  }
  if (!path.empty()) return path;
  if (!cgroupsPath.empty()) return error(ErrorKind::invalid, "cgroupsPath `/` is the root of the hierarchy");
  if (id.empty() || id == "." || id == ".." || id.find('/') != std::string_view::npos) {
    return error(ErrorKind::invalid, "`" + std::string(id) + "` is not a container id");
  }
  return "/wherry/" + std::string(id);
}

}  // namespace wherry::sandbox
