// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/doctor/finding.h"

namespace wherry::cli {
namespace {

struct DoctorOptions {
  bool json = false;
  std::string config;
  std::string cache;
  std::string cgroups = "/sys/fs/cgroup";
};

constexpr Option kOptions[] = {
    {"config", 'c', "FILE", "containerd's configuration [default: the running daemon's]", set<&DoctorOptions::config>},
    {"cache", 0, "DIR", "[default: /var/cache/wherry, or your own ~/.cache/wherry]", set<&DoctorOptions::cache>},
    {"cgroups", 0, "DIR", "where cgroups are mounted [default: /sys/fs/cgroup]", set<&DoctorOptions::cgroups>},
    {"json", 0, "", "prints JSON", set<&DoctorOptions::json>},
};

const char* name_of(Finding::State state) {
  switch (state) {
    case Finding::State::ok:
      return "ok";
    case Finding::State::note:
      return "note";
    case Finding::State::problem:
      return "problem";
  }
  return "";
}

struct Area {
  const char* name;
  std::vector<Finding> findings;
};

void print_text(const std::vector<Area>& areas, size_t problems) {
  for (const Area& area : areas) {
    std::printf("%s\n", area.name);
    for (const Finding& finding : area.findings) {
      std::printf("  %-8s %s\n", name_of(finding.state), finding.what.c_str());
      if (!finding.cure.empty()) std::printf("  %-8s   cure: %s\n", "", finding.cure.c_str());
    }
  }
  if (problems == 0) {
    std::puts("no problems");
  } else {
    std::printf("%zu problem%s\n", problems, problems == 1 ? "" : "s");
  }
}

void print_json(const std::vector<Area>& areas, size_t problems) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Area& area : areas) {
    for (const Finding& finding : area.findings) {
      list.push_back({{"area", area.name}, {"state", name_of(finding.state)}, {"what", finding.what}});
      if (!finding.cure.empty()) list.back()["cure"] = finding.cure;
    }
  }
  const nlohmann::ordered_json report = {{"problems", problems}, {"findings", std::move(list)}};
  std::puts(report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

Result<int> doctor(const DoctorOptions& options, const Arguments&) {
  engine::CacheConfig cache;
  cache.directory = options.cache;
  const std::vector<Area> areas = {
      {"kernel", check_kernel()},
      {"cgroups", check_cgroups(options.cgroups)},
      {"containerd", check_containerd(options.config)},
      {"cache", check_cache(std::move(cache))},
  };
  size_t problems = 0;
  for (const Area& area : areas)
    for (const Finding& finding : area.findings) problems += finding.state == Finding::State::problem;
  options.json ? print_json(areas, problems) : print_text(areas, problems);
  return problems == 0 ? 0 : kFailure;
}

}  // namespace

const Command kDoctor = {
    .name = "doctor",
    .arguments = "",
    .min_arguments = 0,
    .max_arguments = 0,
    .order = Order::any,
    .summary = "checks kernel, cgroups, containerd and cache; each problem with its cure",
    .details = "exit code 0: no problem, 1: at least one",
    .options = kOptions,
    .examples = {"doctor", "doctor --config /etc/containerd/config.toml --json"},
    .main = command_main<DoctorOptions, doctor>,
};

}  // namespace wherry::cli
