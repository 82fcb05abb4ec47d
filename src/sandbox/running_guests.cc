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

#include "base/fd.h"
#include "base/printable.h"
#include "base/process_stat.h"
#include "sandbox/guest_stats.h"
#include "sandbox/mapped_files.h"
#include "sandbox/shared_limit.h"

namespace wherry::sandbox {
namespace {

constexpr std::string_view kInitName = "wherry-init";

// The first bytes of a memory file that the process maps; nullopt if it maps none of that name.
std::optional<std::string> first_bytes(const MappedFiles& files, std::string_view name, size_t size) {
  const auto fd = files.open(name, O_RDONLY);
  std::string bytes(size, '\0');
  if (!fd || ::pread(fd->get(), bytes.data(), size, 0) != static_cast<ssize_t>(size)) return std::nullopt;
  return bytes;
}

// One column of a table.
template <size_t N>
std::string column(const char (&name)[N]) {
  std::string text = printable({name, ::strnlen(name, N)});
  std::replace(text.begin(), text.end(), ' ', '?');
  return text;
}

std::optional<RunningGuest> examine(pid_t pid) {
  const auto stat = process_stat(pid);
  if (!stat || stat->comm != kInitName) return std::nullopt;
  const auto files = MappedFiles::of(pid);
  if (!files) return std::nullopt;
  const auto bytes = first_bytes(*files, GuestStats::kFileName, sizeof(GuestStatsPage));
  if (!bytes) return std::nullopt;
  const auto page = std::make_unique<GuestStatsPage>();
  std::memcpy(static_cast<void*>(page.get()), bytes->data(), sizeof *page);
  if (page->magic != GuestStatsPage::kMagic) return std::nullopt;

  RunningGuest guest;
  guest.id = column(page->id);
  guest.pod = column(page->pod);
  guest.pod_namespace = column(page->pod_namespace);
  guest.name = column(page->name);
  guest.memory = page->memory.used;
  guest.memory_refused = page->memory.refused;
  for (size_t i = 0; i < guest.denied.size(); i++) guest.denied[i] = page->counters.denied[i];
  guest.memory_limit = UINT64_MAX;
  if (const auto limit = first_bytes(*files, SharedLimit::kFileName, sizeof(uint64_t))) {
    std::memcpy(&guest.memory_limit, limit->data(), sizeof guest.memory_limit);
  }
  guest.cpu_ticks = stat->cpu_ticks;
  guest.start_time = stat->start_time;
  guest.resident = stat->resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
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
