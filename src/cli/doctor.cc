// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/doctor/finding.h"
#include "cli/findings.h"

namespace wherry::cli {
namespace {

struct DoctorOptions {
  bool json = false;
  std::string config;
  std::string cache;
  std::string settings;
  std::string cgroups = "/sys/fs/cgroup";
};

constexpr Option kOptions[] = {
    {"config", 'c', "FILE", "containerd's configuration [default: the running daemon's]", set<&DoctorOptions::config>},
    {"cache", 0, "DIR", "[default: /var/cache/wherry, or your own ~/.cache/wherry]", set<&DoctorOptions::cache>},
    {"settings", 0, "FILE", "the node's settings [default: /etc/wherry/config.toml]", set<&DoctorOptions::settings>},
    {"cgroups", 0, "DIR", "where cgroups are mounted [default: /sys/fs/cgroup]", set<&DoctorOptions::cgroups>},
    {"json", 0, "", "prints JSON", set<&DoctorOptions::json>},
};

Result<int> doctor(const DoctorOptions& options, const Arguments&) {
  engine::CacheConfig cache;
  cache.directory = options.cache;
  const std::vector<Area> areas = {
      {"kernel", check_kernel()},
      {"cgroups", check_cgroups(options.cgroups)},
      {"containerd", check_containerd(options.config)},
      {"cache", check_cache(std::move(cache))},
      {"settings", check_settings(options.settings)},
  };
  return print_findings(areas, options.json);
}

}  // namespace

const Command kDoctor = {
    .name = "doctor",
    .arguments = "",
    .min_arguments = 0,
    .max_arguments = 0,
    .order = Order::any,
    .summary = "checks kernel, cgroups, containerd, cache and settings; each problem with its cure",
    .details = "exit code 0: no problem, 1: at least one",
    .options = kOptions,
    .examples = {"doctor", "doctor --config /etc/containerd/config.toml --json"},
    .main = command_main<DoctorOptions, doctor>,
};

}  // namespace wherry::cli
