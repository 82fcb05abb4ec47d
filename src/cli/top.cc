// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "cli/command.h"
#include "cli/values.h"
#include "sandbox/running_guests.h"

namespace wherry::cli {
namespace {

using sandbox::RunningGuest;

struct TopOptions {
  bool once = false;
  bool json = false;
  std::optional<std::chrono::nanoseconds> delay;
};

constexpr Option kOptions[] = {
    {"once", '1', "", "prints one list and ends, as it does into a pipe", set<&TopOptions::once>},
    {"delay", 'd', "TIME", "between two lists [default: 2s]", set<&TopOptions::delay>},
    {"json", 0, "", "one list as JSON, sizes in bytes", set<&TopOptions::json>},
};

// Processor time that guests had taken, by process.
using Times = std::map<std::pair<pid_t, uint64_t>, uint64_t>;

Times times_of(const std::vector<RunningGuest>& guests) {
  Times times;
  for (const RunningGuest& guest : guests) times[{guest.pid, guest.start_time}] = guest.cpu_ticks;
  return times;
}

// Of one processor, over the time since `before`.
double cpu_percent(const RunningGuest& guest, const Times& before, std::chrono::nanoseconds time) {
  const auto found = before.find({guest.pid, guest.start_time});
  if (found == before.end() || time.count() <= 0) return 0;
  const double seconds = static_cast<double>(guest.cpu_ticks - found->second) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return 100 * seconds / std::chrono::duration<double>(time).count();
}

std::string denials_of(const RunningGuest& guest) {
  std::string text;
  for (size_t i = 0; i < guest.denied.size(); i++) {
    if (guest.denied[i] == 0) continue;
    text.append(text.empty() ? "" : ", ").append(wasi::kDenialWords[i]).append(" ").append(std::to_string(guest.denied[i]));
  }
  return text.empty() ? "-" : text;
}

// A pod's container by its names, another by its id.
std::string title_of(const RunningGuest& guest) {
  return guest.pod.empty() ? guest.id : guest.pod_namespace + "/" + guest.pod + "/" + guest.name;
}

std::string limit_of(const RunningGuest& guest) { return guest.memory_limit == UINT64_MAX ? "-" : format_size(guest.memory_limit); }

void print_json(const std::vector<RunningGuest>& guests, const Times& before, std::chrono::nanoseconds time) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const RunningGuest& guest : guests) {
    nlohmann::ordered_json denied = nlohmann::ordered_json::object();
    for (size_t i = 0; i < guest.denied.size(); i++) denied[std::string(wasi::kDenialWords[i])] = guest.denied[i];
    nlohmann::ordered_json limit;
    if (guest.memory_limit != UINT64_MAX) limit = guest.memory_limit;
    list.push_back({{"id", guest.id}, {"namespace", guest.pod_namespace}, {"pod", guest.pod}, {"container", guest.name}, {"pid", guest.pid},
                    {"cpu_percent", cpu_percent(guest, before, time)}, {"memory", guest.memory}, {"memory_limit", limit}, {"memory_refused", guest.memory_refused},
                    {"resident", guest.resident}, {"denied", denied}});
  }
  std::puts(json_text(list, 2).c_str());
}

void print_table(const std::vector<RunningGuest>& guests, const Times& before, std::chrono::nanoseconds time) {
  size_t width = 9;
  for (const RunningGuest& guest : guests) width = std::max(width, title_of(guest).size());
  const int columns = static_cast<int>(std::min<size_t>(width, 60));
  std::printf("%-*s %8s %6s %10s %10s %8s %10s  %s\n", columns, "CONTAINER", "PID", "CPU%", "MEMORY", "LIMIT", "REFUSED", "RESIDENT", "DENIED");
  for (const RunningGuest& guest : guests) {
    std::printf("%-*s %8d %6.1f %10s %10s %8llu %10s  %s\n", columns, title_of(guest).c_str(), guest.pid, cpu_percent(guest, before, time),
                format_size(guest.memory).c_str(), limit_of(guest).c_str(), static_cast<unsigned long long>(guest.memory_refused),
                format_size(guest.resident).c_str(), denials_of(guest).c_str());
  }
  if (guests.empty()) std::puts("no container runs a module on this machine");
}

// Whether the time passed; not if somebody typed q, or closed the input.
bool rest(std::chrono::nanoseconds time) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return ::poll(&input, 1, static_cast<int>(std::min<int64_t>(milliseconds, INT32_MAX))) == 0;
}

Result<int> top(const TopOptions& options, const Arguments&) {
  constexpr std::chrono::milliseconds kShort{250};
  constexpr const char* kClear = "\033[H\033[2J";
  const std::chrono::nanoseconds delay = options.delay.value_or(std::chrono::seconds(2));
  const bool once = options.once || options.json || ::isatty(STDOUT_FILENO) == 0;
  Times before = times_of(TRY(sandbox::running_guests()));
  auto then = std::chrono::steady_clock::now();
  std::chrono::nanoseconds pause = std::min<std::chrono::nanoseconds>(kShort, delay);
  for (;;) {
    if (once) {
      ::usleep(static_cast<useconds_t>(std::chrono::duration_cast<std::chrono::microseconds>(pause).count()));
    } else if (!rest(pause)) {
      return 0;
    }
    const std::vector<RunningGuest> guests = TRY(sandbox::running_guests());
    const auto now = std::chrono::steady_clock::now();
    if (!once) std::fputs(kClear, stdout);
    (options.json ? print_json : print_table)(guests, before, now - then);
    std::fflush(stdout);
    if (once) return 0;
    before = times_of(guests);
    then = now;
    pause = delay;
  }
}

}  // namespace

const Command kTop = {
    .name = "top",
    .arguments = "",
    .min_arguments = 0,
    .max_arguments = 0,
    .order = Order::any,
    .summary = "shows the containers that run modules here: time, memory, what they were denied",
    .details = "needs root; the return key ends it",
    .options = kOptions,
    .examples = {"top", "top --json"},
    .main = command_main<TopOptions, top>,
};

}  // namespace wherry::cli
