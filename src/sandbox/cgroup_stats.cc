// SPDX-License-Identifier: Apache-2.0
#include "sandbox/cgroup_stats.h"

#include <unistd.h>

#include "sandbox/cgroup.h"
#include "sandbox/cgroup_files.h"

namespace wherry::sandbox {
namespace {

using Memory = CgroupStats::Memory;

struct MemoryField {
  std::string_view key;
  uint64_t Memory::* field;
};

// memory.stat of version 1.
constexpr MemoryField kMemoryV1[] = {
    {"cache", &Memory::cache},
    {"rss", &Memory::rss},
    {"rss_huge", &Memory::rss_huge},
    {"mapped_file", &Memory::mapped_file},
    {"dirty", &Memory::dirty},
    {"writeback", &Memory::writeback},
    {"pgpgin", &Memory::pgpgin},
    {"pgpgout", &Memory::pgpgout},
    {"pgfault", &Memory::pgfault},
    {"pgmajfault", &Memory::pgmajfault},
    {"inactive_anon", &Memory::inactive_anon},
    {"active_anon", &Memory::active_anon},
    {"inactive_file", &Memory::inactive_file},
    {"active_file", &Memory::active_file},
    {"unevictable", &Memory::unevictable},
    {"hierarchical_memory_limit", &Memory::hierarchical_memory_limit},
    {"hierarchical_memsw_limit", &Memory::hierarchical_memsw_limit},
    {"total_cache", &Memory::total_cache},
    {"total_rss", &Memory::total_rss},
    {"total_rss_huge", &Memory::total_rss_huge},
    {"total_mapped_file", &Memory::total_mapped_file},
    {"total_dirty", &Memory::total_dirty},
    {"total_writeback", &Memory::total_writeback},
    {"total_pgpgin", &Memory::total_pgpgin},
    {"total_pgpgout", &Memory::total_pgpgout},
    {"total_pgfault", &Memory::total_pgfault},
    {"total_pgmajfault", &Memory::total_pgmajfault},
    {"total_inactive_anon", &Memory::total_inactive_anon},
    {"total_active_anon", &Memory::total_active_anon},
    {"total_inactive_file", &Memory::total_inactive_file},
    {"total_active_file", &Memory::total_active_file},
    {"total_unevictable", &Memory::total_unevictable},
};

// memory.stat of version 2.
constexpr MemoryField kMemoryV2[] = {
    {"anon", &Memory::anon},
    {"file", &Memory::file},
    {"kernel_stack", &Memory::kernel_stack},
    {"slab", &Memory::slab},
    {"sock", &Memory::sock},
    {"shmem", &Memory::shmem},
    {"file_mapped", &Memory::file_mapped},
    {"file_dirty", &Memory::file_dirty},
    {"file_writeback", &Memory::file_writeback},
    {"anon_thp", &Memory::anon_thp},
    {"slab_reclaimable", &Memory::slab_reclaimable},
    {"slab_unreclaimable", &Memory::slab_unreclaimable},
    {"inactive_anon", &Memory::inactive_anon},
    {"active_anon", &Memory::active_anon},
    {"inactive_file", &Memory::inactive_file},
    {"active_file", &Memory::active_file},
    {"unevictable", &Memory::unevictable},
    {"pgfault", &Memory::pgfault},
    {"pgmajfault", &Memory::pgmajfault},
};

template <size_t N>
void take_memory(const std::string& path, const MemoryField (&fields)[N], Memory& memory) {
  const KeyedNumbers numbers = read_keyed(path);
  for (const MemoryField& field : fields) memory.*field.field = value_of(numbers, field.key, memory.*field.field);
}

CgroupStats::Usage usage_v1(const std::string& prefix) {
  return {.limit = read_number(prefix + "limit_in_bytes", UINT64_MAX),
          .usage = read_number(prefix + "usage_in_bytes"),
          .max = read_number(prefix + "max_usage_in_bytes"),
          .failcnt = read_number(prefix + "failcnt")};
}

void cpu_v1(const std::string& cpuacct, const std::string& cpu, CgroupStats& stats) {
  if (!cpuacct.empty()) {
    const uint64_t tick = 1'000'000'000u / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
    stats.cpu.usage = read_number(cpuacct + "/cpuacct.usage");
    const KeyedNumbers split = read_keyed(cpuacct + "/cpuacct.stat");
    stats.cpu.user = value_of(split, "user") * tick;
    stats.cpu.system = value_of(split, "system") * tick;
    if (const auto each = read_control(cpuacct + "/cpuacct.usage_percpu")) {
      for (const std::string_view word : split_words(*each)) stats.cpu.per_cpu.push_back(parse_number(word));
    }
  }
  if (!cpu.empty()) {
    const KeyedNumbers throttling = read_keyed(cpu + "/cpu.stat");
    stats.cpu.periods = value_of(throttling, "nr_periods");
    stats.cpu.throttled_periods = value_of(throttling, "nr_throttled");
    stats.cpu.throttled_time = value_of(throttling, "throttled_time");
  }
}

void memory_v1(const std::string& directory, CgroupStats& stats) {
  if (directory.empty()) return;
  take_memory(directory + "/memory.stat", kMemoryV1, stats.memory);
  stats.memory.usage = usage_v1(directory + "/memory.");
  stats.memory.swap = usage_v1(directory + "/memory.memsw.");
  stats.memory.kernel = usage_v1(directory + "/memory.kmem.");
  stats.memory.kernel_tcp = usage_v1(directory + "/memory.kmem.tcp.");
  const KeyedNumbers oom = read_keyed(directory + "/memory.oom_control");
  stats.memory.oom_kill_disable = value_of(oom, "oom_kill_disable");
  stats.memory.under_oom = value_of(oom, "under_oom");
  stats.memory_events.oom_kill = value_of(oom, "oom_kill");
}

CgroupStats::Io& io_of(std::vector<CgroupStats::Io>& all, std::string_view device) {
  const size_t colon = device.find(':');
  const uint64_t major = parse_number(device.substr(0, colon));
  const uint64_t minor = colon == std::string_view::npos ? 0 : parse_number(device.substr(colon + 1));
  for (CgroupStats::Io& io : all) {
    if (io.major == major && io.minor == minor) return io;
  }
  CgroupStats::Io& io = all.emplace_back();
  io.major = major;
  io.minor = minor;
  return io;
}

// "8:0 Read 4096" lines, one file for bytes and one for operations.
void io_v1(const std::string& directory, CgroupStats& stats) {
  if (directory.empty()) return;
  const auto take = [&](const char* file, uint64_t CgroupStats::Io::* read, uint64_t CgroupStats::Io::* write) {
    const auto text = read_control(directory + file);
    if (!text) return;
    for (const std::string_view line : split_words(*text, "\n")) {
      const auto words = split_words(line);
      if (words.size() != 3) continue;
      if (words[1] == "Read") io_of(stats.io, words[0]).*read = parse_number(words[2]);
      if (words[1] == "Write") io_of(stats.io, words[0]).*write = parse_number(words[2]);
    }
  };
  take("/blkio.throttle.io_service_bytes_recursive", &CgroupStats::Io::rbytes, &CgroupStats::Io::wbytes);
  take("/blkio.throttle.io_serviced_recursive", &CgroupStats::Io::rios, &CgroupStats::Io::wios);
}

// "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0"
void io_v2(const std::string& directory, CgroupStats& stats) {
  constexpr std::pair<std::string_view, uint64_t CgroupStats::Io::*> kFields[] = {
      {"rbytes", &CgroupStats::Io::rbytes},
      {"wbytes", &CgroupStats::Io::wbytes},
      {"rios", &CgroupStats::Io::rios},
      {"wios", &CgroupStats::Io::wios},
  };
  const auto text = read_control(directory + "/io.stat");
  if (!text) return;
  for (const std::string_view line : split_words(*text, "\n")) {
    const auto words = split_words(line);
    if (words.empty()) continue;
    CgroupStats::Io& io = io_of(stats.io, words[0]);
    for (const std::string_view word : words) {
      const size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      for (const auto& [key, field] : kFields) {
        if (key == word.substr(0, equals)) io.*field = parse_number(word.substr(equals + 1));
      }
    }
  }
}

void hugetlb(const std::string& directory, const char* current, const char* max, CgroupStats& stats) {
  if (directory.empty()) return;
  for (const char* size : {"64KB", "2MB", "32MB", "512MB", "1GB"}) {
    const std::string prefix = directory + "/hugetlb." + size + ".";
    if (!control_exists(prefix + current)) continue;
    stats.hugetlb.push_back({.page_size = size,
                             .usage = read_number(prefix + current),
                             .max = read_number(prefix + max),
                             .failcnt = read_number(prefix + "failcnt")});
  }
}

}  // namespace

Result<CgroupStats> Cgroup::stats_v1() const {
  CgroupStats stats;
  const std::string memory = directory("memory");
  const std::string cpuacct = directory("cpuacct");
  if (!control_exists(memory.empty() ? cpuacct : memory)) {
    return error(ErrorKind::not_found, "cgroup " + path_ + " does not exist");
  }
  cpu_v1(cpuacct, directory("cpu"), stats);
  memory_v1(memory, stats);
  io_v1(directory("blkio"), stats);
  hugetlb(directory("hugetlb"), "usage_in_bytes", "max_usage_in_bytes", stats);
  if (const std::string pids = directory("pids"); !pids.empty()) {
    stats.pids = {.current = read_number(pids + "/pids.current"), .limit = read_number(pids + "/pids.max", UINT64_MAX)};
  }
  return stats;
}

Result<CgroupStats> Cgroup::stats_v2() const {
  if (!control_exists(unified_)) return error(ErrorKind::not_found, "cgroup " + path_ + " does not exist");
  CgroupStats stats;
  stats.v2 = true;
  const KeyedNumbers cpu = read_keyed(unified_ + "/cpu.stat");
  stats.cpu.usage = value_of(cpu, "usage_usec") * 1000;
  stats.cpu.user = value_of(cpu, "user_usec") * 1000;
  stats.cpu.system = value_of(cpu, "system_usec") * 1000;
  stats.cpu.periods = value_of(cpu, "nr_periods");
  stats.cpu.throttled_periods = value_of(cpu, "nr_throttled");
  stats.cpu.throttled_time = value_of(cpu, "throttled_usec") * 1000;

  take_memory(unified_ + "/memory.stat", kMemoryV2, stats.memory);
  stats.memory.usage = {.limit = read_number(unified_ + "/memory.max", UINT64_MAX),
                        .usage = read_number(unified_ + "/memory.current"),
                        .max = read_number(unified_ + "/memory.peak")};
  stats.memory.swap = {.limit = read_number(unified_ + "/memory.swap.max", UINT64_MAX),
                       .usage = read_number(unified_ + "/memory.swap.current"),
                       .max = read_number(unified_ + "/memory.swap.peak")};
  const KeyedNumbers events = read_keyed(unified_ + "/memory.events");
  stats.memory_events = {.low = value_of(events, "low"),
                         .high = value_of(events, "high"),
                         .max = value_of(events, "max"),
                         .oom = value_of(events, "oom"),
                         .oom_kill = value_of(events, "oom_kill"),
                         .oom_group_kill = value_of(events, "oom_group_kill")};
  io_v2(unified_, stats);
  hugetlb(unified_, "current", "max", stats);
  stats.pids = {.current = read_number(unified_ + "/pids.current"),
                .limit = read_number(unified_ + "/pids.max", UINT64_MAX)};
  return stats;
}

}  // namespace wherry::sandbox
