// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup_v2.h"

#include <cmath>

#include "sandbox/cgroup.h"
#include "sandbox/cgroup_files.h"
#include "sandbox/device_filter.h"
#include "sandbox/device_rules.h"

namespace wherry::sandbox {
namespace {

constexpr uint64_t kDefaultPeriod = 100000;  // microseconds

// Files appear with their controller, so a missing file is a missing controller.
Result<void> set_file(const std::string& directory, const std::string& file, const std::string& value) {
  const std::string path = directory + "/" + file;
  if (!control_exists(path)) {
    const std::string controller = file.substr(0, file.find('.'));
    return error(ErrorKind::unavailable,
                 directory + ": controller `" + controller + "` is not enabled, so " + file + " can not be set");
  }
  return write_control(path, value);
}

std::string limit_text(int64_t limit) { return limit < 0 ? "max" : std::to_string(limit); }

Result<void> set_memory(const std::string& directory, const Resources::Memory& memory) {
  const int64_t limit = memory.limit.value_or(0);
  const int64_t swap = memory.swap.value_or(0);
  if (limit != 0) TRY(set_file(directory, "memory.max", limit_text(limit)));
  if (swap != 0) {
    if (swap > 0 && limit <= 0) {
      return error(ErrorKind::invalid, "linux.resources.memory: a swap limit needs a memory limit");
    }
    if (swap > 0 && swap < limit) {
      return error(ErrorKind::invalid, "linux.resources.memory: swap counts memory too and is below the memory limit");
    }
    // Without swap accounting there is nothing to limit.
    if (control_exists(directory + "/memory.swap.max")) {
      TRY(set_file(directory, "memory.swap.max", limit_text(swap < 0 ? -1 : swap - limit)));
    }
  }
  if (memory.reservation.value_or(0) != 0) TRY(set_file(directory, "memory.low", limit_text(*memory.reservation)));
  return {};
}

Result<void> set_cpu(const std::string& directory, const Resources::Cpu& cpu) {
  if (cpu.idle) TRY(set_file(directory, "cpu.idle", std::to_string(*cpu.idle)));
  if (cpu.shares.value_or(0)) TRY(set_file(directory, "cpu.weight", std::to_string(weight_of_shares(*cpu.shares))));
  const int64_t quota = cpu.quota.value_or(0);
  if (quota != 0 || cpu.period.value_or(0)) {
    const uint64_t period = cpu.period.value_or(0) ? *cpu.period : kDefaultPeriod;
    TRY(set_file(directory, "cpu.max", limit_text(quota == 0 ? -1 : quota) + " " + std::to_string(period)));
  }
  if (cpu.burst) TRY(set_file(directory, "cpu.max.burst", std::to_string(*cpu.burst)));
  if (!cpu.cpus.empty()) TRY(set_file(directory, "cpuset.cpus", cpu.cpus));
  if (!cpu.mems.empty()) TRY(set_file(directory, "cpuset.mems", cpu.mems));
  return {};
}

}  // namespace

uint64_t weight_of_shares(uint64_t shares) {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const double l = std::log2(static_cast<double>(shares));
  const double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  return static_cast<uint64_t>(std::ceil(std::pow(10, exponent)));
}

Result<void> Cgroup::set_v2(const Resources& resources) {
  TRY(set_memory(unified_, resources.memory));
  TRY(set_cpu(unified_, resources.cpu));
  if (const int64_t limit = resources.pids_limit.value_or(0)) TRY(set_file(unified_, "pids.max", limit_text(limit)));
  for (const HugepageLimit& limit : resources.hugepageLimits) {
    TRY(set_file(unified_, "hugetlb." + limit.pageSize + ".max", std::to_string(limit.limit)));
  }
  if (const std::vector<DeviceRule> rules = TRY(device_rules(resources.devices)); !rules.empty()) TRY(set_device_filter(unified_, rules));
  for (const auto& [file, value] : resources.unified) TRY(set_file(unified_, file, value));
  return {};
}

}  // namespace wherry::sandbox
