// SPDX-License-Identifier: Apache-2.0
#include "base/process_stat.h"

#include <charconv>

#include "base/fd.h"

namespace wherry {
namespace {

constexpr size_t kMaxLine = 4096;

// Fields are counted from 1, as the manual does.
enum Field { kState = 3, kFlags = 9, kUserTime = 14, kSystemTime = 15, kStartTime = 22, kResidentPages = 24 };

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view line) {
  const size_t open = line.find('('), close = line.rfind(')');
  if (open == line.npos || close == line.npos || close < open || close + 3 > line.size()) return std::nullopt;
  ProcessStat stat;
  stat.comm = line.substr(open + 1, close - open - 1);
  stat.state = line[close + 2];
  const char *at = line.data() + close + 3, *const end = line.data() + line.size();
  for (int field = kState + 1; field <= kResidentPages; field++) {
    if (at == end || *at != ' ') return std::nullopt;
    at++;
    int64_t negative = 0;
    uint64_t value = 0;
    const auto done = at != end && *at == '-' ? std::from_chars(at, end, negative) : std::from_chars(at, end, value);
    if (done.ec != std::errc()) return std::nullopt;
    at = done.ptr;
    if (field == kFlags) stat.flags = value;
    if (field == kUserTime || field == kSystemTime) stat.cpu_ticks += value;
    if (field == kStartTime) stat.start_time = value;
    if (field == kResidentPages) stat.resident_pages = value;
  }
  return stat;
}

std::optional<ProcessStat> process_stat(pid_t pid) {
  const auto line = read_file("/proc/" + std::to_string(pid) + "/stat", kMaxLine);
  return line ? parse_process_stat(*line) : std::nullopt;
}

uint64_t start_time(pid_t pid) {
  const auto stat = process_stat(pid);
  return stat ? stat->start_time : 0;
}

}  // namespace wherry
