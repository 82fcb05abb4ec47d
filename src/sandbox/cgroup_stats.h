// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace wherry::sandbox {

// A cgroup's counters in one form for both versions. Times are nanoseconds,
// sizes bytes, and "no limit" is UINT64_MAX; what a version does not count is 0.
// shim/ turns it into io.containerd.cgroups.v1.Metrics or v2.Metrics.
struct CgroupStats {
  bool v2 = false;

  struct Pids {
    uint64_t current = 0;
    uint64_t limit = UINT64_MAX;
  } pids;

  struct Cpu {
    uint64_t usage = 0;
    uint64_t user = 0;
    uint64_t system = 0;
    std::vector<uint64_t> per_cpu;  // v1
    uint64_t periods = 0;
    uint64_t throttled_periods = 0;
    uint64_t throttled_time = 0;
  } cpu;

  struct Usage {
    uint64_t limit = UINT64_MAX;
    uint64_t usage = 0;
    uint64_t max = 0;
    uint64_t failcnt = 0;  // v1
  };

  struct Memory {
    Usage usage;
    Usage swap;    // v1: memory and swap together, as its memsw files count
    Usage kernel;  // v1
    Usage kernel_tcp;

    // memory.stat; on v1 the total_* (hierarchical) values are in the second group.
    uint64_t cache = 0, rss = 0, rss_huge = 0, mapped_file = 0, dirty = 0, writeback = 0;
    uint64_t pgpgin = 0, pgpgout = 0, pgfault = 0, pgmajfault = 0;
    uint64_t inactive_anon = 0, active_anon = 0, inactive_file = 0, active_file = 0, unevictable = 0;
    uint64_t hierarchical_memory_limit = UINT64_MAX, hierarchical_memsw_limit = UINT64_MAX;
    uint64_t total_cache = 0, total_rss = 0, total_rss_huge = 0, total_mapped_file = 0, total_dirty = 0;
    uint64_t total_writeback = 0, total_pgpgin = 0, total_pgpgout = 0, total_pgfault = 0, total_pgmajfault = 0;
    uint64_t total_inactive_anon = 0, total_active_anon = 0, total_inactive_file = 0, total_active_file = 0;
    uint64_t total_unevictable = 0;
    // v2 only.
    uint64_t anon = 0, file = 0, kernel_stack = 0, slab = 0, sock = 0, shmem = 0;
    uint64_t file_mapped = 0, file_dirty = 0, file_writeback = 0, anon_thp = 0;
    uint64_t slab_reclaimable = 0, slab_unreclaimable = 0;

    // v1 memory.oom_control.
    uint64_t oom_kill_disable = 0, under_oom = 0;
  } memory;

  // memory.events; on v1 only oom_kill.
  struct MemoryEvents {
    uint64_t low = 0, high = 0, max = 0, oom = 0, oom_kill = 0, oom_group_kill = 0;
  } memory_events;

  struct Io {
    uint64_t major = 0, minor = 0, rbytes = 0, wbytes = 0, rios = 0, wios = 0;
  };
  std::vector<Io> io;

  struct Hugetlb {
    std::string page_size;  // "2MB"
    uint64_t usage = 0, max = 0, failcnt = 0;
  };
  std::vector<Hugetlb> hugetlb;
};

}  // namespace wherry::sandbox
