// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup.h"
#include "sandbox/cgroup_files.h"
#include "sandbox/device_rules.h"

namespace wherry::sandbox {
namespace {

Result<void> set_devices(const std::string& directory, const std::vector<DeviceRule>& specified) {
  for (const DeviceRule& rule : TRY(device_rules(specified)))
    TRY(write_control(directory + (rule.allow ? "/devices.allow" : "/devices.deny"), to_string(rule)));
  return {};
}

// The limit of memory alone may never be above that of memory and swap together,
// so which is written first depends on the values in force.
Result<void> set_memory(const std::string& directory, const Resources::Memory& memory) {
  const std::string limit_file = directory + "/memory.limit_in_bytes";
  const std::string swap_file = directory + "/memory.memsw.limit_in_bytes";
  const bool has_limit = memory.limit.value_or(0) != 0;
  const bool has_swap = memory.swap.value_or(0) != 0 && control_exists(swap_file);
  if (has_limit && !write_control(limit_file, std::to_string(*memory.limit))) {
    if (has_swap) TRY(write_control(swap_file, std::to_string(*memory.swap)));
    TRY(write_control(limit_file, std::to_string(*memory.limit)));
  } else if (has_swap) {
    TRY(write_control(swap_file, std::to_string(*memory.swap)));
  }
  if (memory.reservation.value_or(0) != 0) {
    TRY(write_control(directory + "/memory.soft_limit_in_bytes", std::to_string(*memory.reservation)));
  }
  if (memory.swappiness) TRY(write_control(directory + "/memory.swappiness", std::to_string(*memory.swappiness)));
  if (memory.disableOOMKiller) TRY(write_control(directory + "/memory.oom_control", "1"));
  return {};
}

// A period is refused while the old quota does not fit it.
Result<void> set_cpu(const std::string& directory, const Resources::Cpu& cpu) {
  if (cpu.shares.value_or(0)) TRY(write_control(directory + "/cpu.shares", std::to_string(*cpu.shares)));
  const std::string period_file = directory + "/cpu.cfs_period_us";
  bool period_open = cpu.period.value_or(0) != 0;
  if (period_open && write_control(period_file, std::to_string(*cpu.period))) period_open = false;
  if (cpu.quota.value_or(0)) TRY(write_control(directory + "/cpu.cfs_quota_us", std::to_string(*cpu.quota)));
  if (period_open) TRY(write_control(period_file, std::to_string(*cpu.period)));
  if (cpu.burst) TRY(write_control(directory + "/cpu.cfs_burst_us", std::to_string(*cpu.burst)));
  if (cpu.idle) TRY(write_control(directory + "/cpu.idle", std::to_string(*cpu.idle)));
  return {};
}

Result<void> set_cpuset(const std::string& directory, const Resources::Cpu& cpu) {
  if (!cpu.cpus.empty()) TRY(write_control(directory + "/cpuset.cpus", cpu.cpus));
  if (!cpu.mems.empty()) TRY(write_control(directory + "/cpuset.mems", cpu.mems));
  return {};
}

Result<void> set_pids(const std::string& directory, int64_t limit) {
  if (limit == 0) return {};
  return write_control(directory + "/pids.max", limit < 0 ? "max" : std::to_string(limit));
}

Error missing(std::string_view controller) {
  return error(ErrorKind::unavailable, "this machine has no `" + std::string(controller) + "` cgroup controller");
}

}  // namespace

// What a limit needs but the machine lacks is an error; a controller for which
// nothing is asked may be missing.
Result<void> Cgroup::set_v1(const Resources& resources) {
  const Resources::Memory& memory = resources.memory;
  const Resources::Cpu& cpu = resources.cpu;
  if (!resources.unified.empty()) {
    return error(ErrorKind::unsupported, "linux.resources.unified needs cgroup version 2, this machine has version 1");
  }
  if (const std::string at = directory("memory"); !at.empty()) {
    TRY(set_memory(at, memory));
  } else if (memory.limit.value_or(0) > 0) {
    return missing("memory");
  }
  if (const std::string at = directory("cpu"); !at.empty()) {
    TRY(set_cpu(at, cpu));
  } else if (cpu.shares || cpu.quota.value_or(0) > 0) {
    return missing("cpu");
  }
  if (const std::string at = directory("cpuset"); !at.empty()) {
    TRY(set_cpuset(at, cpu));
  } else if (!cpu.cpus.empty() || !cpu.mems.empty()) {
    return missing("cpuset");
  }
  if (const std::string at = directory("pids"); !at.empty()) {
    TRY(set_pids(at, resources.pids_limit.value_or(0)));
  } else if (resources.pids_limit.value_or(0) > 0) {
    return missing("pids");
  }
  if (const std::string at = directory("devices"); !at.empty()) TRY(set_devices(at, resources.devices));
  const std::string hugetlb = directory("hugetlb");
  if (hugetlb.empty() && !resources.hugepageLimits.empty()) return missing("hugetlb");
  for (const HugepageLimit& limit : resources.hugepageLimits) {
    TRY(write_control(hugetlb + "/hugetlb." + limit.pageSize + ".limit_in_bytes", std::to_string(limit.limit)));
  }
  return {};
}

}  // namespace wherry::sandbox
