// SPDX-License-Identifier: Apache-2.0
#include "sandbox/guest_stats.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace wherry::sandbox {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free, "two processes share no lock");

constexpr size_t kSize = 4096;
static_assert(sizeof(GuestStatsPage) <= kSize);
constexpr const char* kWhat = "page of counters";

template <size_t N>
void copy_name(char (&to)[N], std::string_view name) {
  std::memcpy(to, name.data(), std::min(name.size(), N - 1));
}

Result<void*> map_page(int fd) {
  void* const page = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) return os_error(errno, kWhat);
  return page;
}

}  // namespace

Result<std::unique_ptr<GuestStats>> GuestStats::create(const ContainerNames& names) {
  UniqueFd fd(::memfd_create(kFileName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), kSize) != 0) return os_error(errno, kWhat);
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return os_error(errno, kWhat);
  auto* const page = new (TRY(map_page(fd.get()))) GuestStatsPage;
  std::unique_ptr<GuestStats> stats(new GuestStats(std::move(fd), page));
  copy_name(page->id, names.id);
  copy_name(page->pod, names.pod);
  copy_name(page->pod_namespace, names.pod_namespace);
  copy_name(page->name, names.name);
  return stats;
}

GuestStats::~GuestStats() { ::munmap(page_, kSize); }

Result<GuestStatsPage*> map_guest_stats(UniqueFd fd) {
  return static_cast<GuestStatsPage*>(TRY(map_page(fd.get())));
}

}  // namespace wherry::sandbox
