// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"

#include <unistd.h>

#include <algorithm>

#include "cli/doctor/finding.h"
#include "sandbox/cgroup_files.h"

namespace wherry::cli {
namespace {

const char* name_of(sandbox::CgroupVersion version) {
  switch (version) {
    case sandbox::CgroupVersion::v1:
      return "cgroup v1";
    case sandbox::CgroupVersion::hybrid:
      return "cgroup v1, with v2 beside it";
    case sandbox::CgroupVersion::v2:
      return "cgroup v2";
  }
  return "cgroup";
}

// "" if no hierarchy has the controller.
std::string mountpoint_of(const sandbox::CgroupHost& host, const std::string& controller) {
  if (host.version == sandbox::CgroupVersion::v2) {
    const auto content = sandbox::read_control(host.unified + "/cgroup.controllers");
    if (!content) return "";
    const auto words = sandbox::split_words(*content);
    return std::find(words.begin(), words.end(), controller) == words.end() ? "" : host.unified;
  }
  for (const auto& hierarchy : host.v1)
    if (std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), controller) !=
        hierarchy.controllers.end())
      return hierarchy.mountpoint;
  return "";
}

}  // namespace

std::vector<Finding> check_cgroups(const std::string& root) {
  Findings findings;
  const auto host = sandbox::CgroupHost::detect(root);
  if (!host) {
    findings.problem(host.error().to_string(), "mount cgroup2 at " + root);
    return findings.take();
  }
  findings.ok(name_of(host->version));
  std::string present;
  for (const char* controller : {"cpu", "memory", "pids"}) {
    const std::string at = mountpoint_of(*host, controller);
    if (at.empty()) {
      findings.problem(std::string("no controller `") + controller + "`: its limits can not be set",
                       host->version == sandbox::CgroupVersion::v2
                           ? "delegate it: echo +" + std::string(controller) + " to the parents' cgroup.subtree_control"
                           : "boot with cgroup_enable=" + std::string(controller) + ", or mount it");
      continue;
    }
    if (::geteuid() == 0 && ::access(at.c_str(), W_OK) != 0)
      findings.problem(at + " can not be written", "mount it writable: containers get a cgroup of their own");
    present += (present.empty() ? "" : ", ") + std::string(controller);
  }
  if (!present.empty()) findings.ok("controllers " + present);
  return findings.take();
}

}  // namespace wherry::cli
