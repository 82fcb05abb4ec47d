// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/event_json.h"

#include <nlohmann/json.hpp>
#include <span>

#include "base/json_text.h"

namespace wherry::ociruntime {
namespace {

using Json = nlohmann::ordered_json;
using sandbox::CgroupStats;

std::string line(const Json& json) { return json_text(json) + "\n"; }

Json cpu_json(const CgroupStats::Cpu& cpu) {
  Json json;
  json["usage"] = {{"total", cpu.usage}, {"percpu", cpu.per_cpu}, {"kernel", cpu.system}, {"user", cpu.user}};
  json["throttling"] = {{"periods", cpu.periods}, {"throttledPeriods", cpu.throttled_periods}, {"throttledTime", cpu.throttled_time}};
  return json;
}

Json usage_json(const CgroupStats::Usage& usage) {
  return {{"limit", usage.limit}, {"usage", usage.usage}, {"max", usage.max}, {"failcnt", usage.failcnt}};
}

struct Counter {
  const char* name;
  uint64_t CgroupStats::Memory::*value;
};

// What is in memory.stat of each version, by the kernel's names.
constexpr Counter kRawV1[] = {
    {"cache", &CgroupStats::Memory::cache},
    {"rss", &CgroupStats::Memory::rss},
    {"rss_huge", &CgroupStats::Memory::rss_huge},
    {"mapped_file", &CgroupStats::Memory::mapped_file},
    {"dirty", &CgroupStats::Memory::dirty},
    {"writeback", &CgroupStats::Memory::writeback},
    {"pgpgin", &CgroupStats::Memory::pgpgin},
    {"pgpgout", &CgroupStats::Memory::pgpgout},
    {"pgfault", &CgroupStats::Memory::pgfault},
    {"pgmajfault", &CgroupStats::Memory::pgmajfault},
    {"inactive_anon", &CgroupStats::Memory::inactive_anon},
    {"active_anon", &CgroupStats::Memory::active_anon},
    {"inactive_file", &CgroupStats::Memory::inactive_file},
    {"active_file", &CgroupStats::Memory::active_file},
    {"unevictable", &CgroupStats::Memory::unevictable},
    {"hierarchical_memory_limit", &CgroupStats::Memory::hierarchical_memory_limit},
    {"hierarchical_memsw_limit", &CgroupStats::Memory::hierarchical_memsw_limit},
    {"total_cache", &CgroupStats::Memory::total_cache},
    {"total_rss", &CgroupStats::Memory::total_rss},
    {"total_mapped_file", &CgroupStats::Memory::total_mapped_file},
    {"total_pgfault", &CgroupStats::Memory::total_pgfault},
    {"total_pgmajfault", &CgroupStats::Memory::total_pgmajfault},
    {"total_inactive_file", &CgroupStats::Memory::total_inactive_file},
    {"total_active_file", &CgroupStats::Memory::total_active_file},
};
constexpr Counter kRawV2[] = {
    {"anon", &CgroupStats::Memory::anon},
    {"file", &CgroupStats::Memory::file},
    {"kernel_stack", &CgroupStats::Memory::kernel_stack},
    {"slab", &CgroupStats::Memory::slab},
    {"sock", &CgroupStats::Memory::sock},
    {"shmem", &CgroupStats::Memory::shmem},
    {"file_mapped", &CgroupStats::Memory::file_mapped},
    {"file_dirty", &CgroupStats::Memory::file_dirty},
    {"file_writeback", &CgroupStats::Memory::file_writeback},
    {"inactive_anon", &CgroupStats::Memory::inactive_anon},
    {"active_anon", &CgroupStats::Memory::active_anon},
    {"inactive_file", &CgroupStats::Memory::inactive_file},
    {"active_file", &CgroupStats::Memory::active_file},
    {"unevictable", &CgroupStats::Memory::unevictable},
    {"slab_reclaimable", &CgroupStats::Memory::slab_reclaimable},
    {"slab_unreclaimable", &CgroupStats::Memory::slab_unreclaimable},
    {"pgfault", &CgroupStats::Memory::pgfault},
    {"pgmajfault", &CgroupStats::Memory::pgmajfault},
};

Json memory_json(const CgroupStats& stats) {
  const CgroupStats::Memory& memory = stats.memory;
  Json json;
  json["cache"] = stats.v2 ? memory.file : memory.cache;
  json["usage"] = usage_json(memory.usage);
  json["swap"] = usage_json(memory.swap);
  json["kernel"] = usage_json(memory.kernel);
  json["kernelTCP"] = usage_json(memory.kernel_tcp);
  for (const Counter& one : stats.v2 ? std::span<const Counter>(kRawV2) : std::span<const Counter>(kRawV1)) json["raw"][one.name] = memory.*one.value;
  return json;
}

Json io_entry(const CgroupStats::Io& io, const char* operation, uint64_t value) {
  return {{"major", io.major}, {"minor", io.minor}, {"op", operation}, {"value", value}};
}

Json io_json(const std::vector<CgroupStats::Io>& all) {
  Json bytes = Json::array(), operations = Json::array();
  for (const CgroupStats::Io& io : all) {
    bytes.push_back(io_entry(io, "Read", io.rbytes));
    bytes.push_back(io_entry(io, "Write", io.wbytes));
    operations.push_back(io_entry(io, "Read", io.rios));
    operations.push_back(io_entry(io, "Write", io.wios));
  }
  return {{"ioServiceBytesRecursive", bytes}, {"ioServicedRecursive", operations}};
}

}  // namespace

std::string stats_event(const std::string& id, const CgroupStats& stats) {
  Json data;
  data["cpu"] = cpu_json(stats.cpu);
  data["memory"] = memory_json(stats);
  data["pids"] = {{"current", stats.pids.current}, {"limit", stats.pids.limit}};
  data["blkio"] = io_json(stats.io);
  data["hugetlb"] = Json::object();
  for (const CgroupStats::Hugetlb& one : stats.hugetlb) {
    data["hugetlb"][one.page_size] = {{"usage", one.usage}, {"max", one.max}, {"failcnt", one.failcnt}};
  }
  return line({{"type", "stats"}, {"id", id}, {"data", data}});
}

std::string oom_event(const std::string& id) { return line({{"type", "oom"}, {"id", id}}); }

}  // namespace wherry::ociruntime
