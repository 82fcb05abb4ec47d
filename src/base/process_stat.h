// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of a process in /proc/PID/stat (man: proc_pid_stat).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wherry {

struct ProcessStat {
  std::string comm;             // set by the process itself: it may hold anything
  char state = 0;               // 'R', 'S', ... 'Z' for one that nobody has waited for
  uint64_t flags = 0;           // PF_*
  uint64_t cpu_ticks = 0;       // user and system time, in units of sysconf(_SC_CLK_TCK)
  uint64_t start_time = 0;      // since boot, in the same; with the number it names one process
  uint64_t resident_pages = 0;
};

// nullopt if there is no such process.
std::optional<ProcessStat> process_stat(pid_t pid);
std::optional<ProcessStat> parse_process_stat(std::string_view line);

// 0 if there is no such process.
uint64_t start_time(pid_t pid);

}  // namespace wherry
