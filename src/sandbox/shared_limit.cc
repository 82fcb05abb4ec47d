// SPDX-License-Identifier: Apache-2.0
#include "sandbox/shared_limit.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <new>

namespace wherry::sandbox {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free, "two processes share no lock");

constexpr size_t kSize = 4096;
constexpr const char* kWhat = "shared memory limit";

}  // namespace

Result<std::unique_ptr<SharedLimit>> SharedLimit::create(uint64_t bytes) {
  UniqueFd fd(::memfd_create(SharedLimit::kFileName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), kSize) != 0) return os_error(errno, kWhat);
  void* const page = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return os_error(errno, kWhat);
  std::unique_ptr<SharedLimit> limit(new SharedLimit(std::move(fd), new (page) std::atomic<uint64_t>(bytes)));
  // This mapping stays the only one that can be written.
  constexpr int kSeals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(limit->fd(), F_ADD_SEALS, kSeals) != 0) return os_error(errno, kWhat);
  return limit;
}

SharedLimit::~SharedLimit() { ::munmap(value_, kSize); }

Result<const std::atomic<uint64_t>*> map_shared_limit(UniqueFd fd) {
  void* const page = ::mmap(nullptr, kSize, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return os_error(errno, kWhat);
  return static_cast<const std::atomic<uint64_t>*>(page);
}

}  // namespace wherry::sandbox
