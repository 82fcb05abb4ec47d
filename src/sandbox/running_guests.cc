// SPDX-License-Identifier: Apache-2.0
#include "sandbox/running_guests.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <sstream>

#include "base/fd.h"
#include "sandbox/guest_stats.h"
#include "sandbox/mapped_files.h"
#include "sandbox/shared_limit.h"

namespace wherry::sandbox {
namespace {

constexpr std::string_view kInitName = "wherry-init\n";

// The first bytes of a memory file that the process maps; nullopt if it maps none of that name.
std::optional<std::string> first_bytes(const MappedFiles& files, std::string_view name, size_t size) {
  const auto fd = files.open(name, O_RDONLY);
  std::string bytes(size, '\0');
  if (!fd || ::pread(fd->get(), bytes.data(), size, 0) != static_cast<ssize_t>(size)) return std::nullopt;
  return bytes;
}

template <size_t N>
std::string printable(const char (&name)[N]) {
  std::string text(name, ::strnlen(name, N));
  for (char& c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) c = '?';
  return text;
}

// The fields of /proc/PID/stat from the third on, which the name comes before.
std::vector<uint64_t> stat_numbers(const std::string& text) {
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 2, text.size())));
  std::vector<uint64_t> numbers;
  for (std::string field; fields >> field;) {
    uint64_t number = 0;
    std::from_chars(field.data(), field.data() + field.size(), number);
    numbers.push_back(number);
  }
  return numbers;
}

bool add_times(const std::string& process, RunningGuest& guest) {
  constexpr size_t kUserTime = 11, kSystemTime = 12, kStartTime = 19, kResidentPages = 21;
  const auto text = read_file(process + "/stat", 4096);
  if (!text) return false;
  const std::vector<uint64_t> numbers = stat_numbers(*text);
  if (numbers.size() <= kResidentPages) return false;
  guest.cpu_ticks = numbers[kUserTime] + numbers[kSystemTime];
  guest.start_time = numbers[kStartTime];
  guest.resident = numbers[kResidentPages] * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return true;
}

std::optional<RunningGuest> examine(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const auto comm = read_file(process + "/comm", 64);
  if (!comm || *comm != kInitName) return std::nullopt;
  const auto files = MappedFiles::of(pid);
  if (!files) return std::nullopt;
  const auto bytes = first_bytes(*files, GuestStats::kFileName, sizeof(GuestStatsPage));
  if (!bytes) return std::nullopt;
  const auto page = std::make_unique<GuestStatsPage>();
  std::memcpy(static_cast<void*>(page.get()), bytes->data(), sizeof *page);
  if (page->magic != GuestStatsPage::kMagic) return std::nullopt;

  RunningGuest guest;
  guest.id = printable(page->id);
  guest.pod = printable(page->pod);
  guest.pod_namespace = printable(page->pod_namespace);
  guest.name = printable(page->name);
  guest.memory = page->memory.used;
  guest.memory_refused = page->memory.refused;
  for (size_t i = 0; i < guest.denied.size(); i++) guest.denied[i] = page->counters.denied[i];
  guest.memory_limit = UINT64_MAX;
  if (const auto limit = first_bytes(*files, SharedLimit::kFileName, sizeof(uint64_t))) {
    std::memcpy(&guest.memory_limit, limit->data(), sizeof guest.memory_limit);
  }
  if (!add_times(process, guest)) return std::nullopt;
  return guest;
}

}  // namespace

Result<std::vector<RunningGuest>> running_guests() {
  if (::geteuid() != 0) return error(ErrorKind::denied, "only root can see other processes' pages");
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (!proc) return os_error(errno, "/proc");
  std::vector<RunningGuest> guests;
  while (const dirent* entry = ::readdir(proc.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc() || pid <= 0) continue;
    auto guest = examine(pid);
    if (!guest) continue;
    guest->pid = pid;
    guests.push_back(std::move(*guest));
  }
  std::sort(guests.begin(), guests.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return guests;
}

}  // namespace wherry::sandbox
