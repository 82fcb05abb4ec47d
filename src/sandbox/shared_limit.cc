// SPDX-License-Identifier: Apache-2.0
#include "sandbox/shared_limit.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace wherry::sandbox {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free, "two processes share no lock");

constexpr size_t kSize = 4096;
constexpr const char* kWhat = "shared memory limit";

}  // namespace

Result<std::unique_ptr<SharedLimit>> SharedLimit::create(uint64_t bytes, Writer writer) {
  UniqueFd fd(::memfd_create(SharedLimit::kFileName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), kSize) != 0) return os_error(errno, kWhat);
  void* const page = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return os_error(errno, kWhat);
  std::unique_ptr<SharedLimit> limit(new SharedLimit(std::move(fd), new (page) std::atomic<uint64_t>(bytes)));
  int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (writer == Writer::creator) seals |= F_SEAL_FUTURE_WRITE;  // this mapping stays the only one that can be written
  if (::fcntl(limit->fd(), F_ADD_SEALS, seals) != 0) return os_error(errno, kWhat);
  if (writer == Writer::root) TRY(limit->give_up_writing());
  return limit;
}

// What the container gets can not be written, nor opened again so by who is not root.
Result<void> SharedLimit::give_up_writing() {
  if (::fchmod(fd(), 0600) != 0) return os_error(errno, kWhat);
  fd_.reset(::open(("/proc/self/fd/" + std::to_string(fd())).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd_) return os_error(errno, kWhat);
  return {};
}

SharedLimit::~SharedLimit() { ::munmap(value_, kSize); }

Result<void> write_shared_limit(int fd, uint64_t bytes) {
  if (::pwrite(fd, &bytes, sizeof bytes, 0) != sizeof bytes) return os_error(errno, kWhat);
  return {};
}

Result<const std::atomic<uint64_t>*> map_shared_limit(UniqueFd fd) {
  void* const page = ::mmap(nullptr, kSize, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (page == MAP_FAILED) return os_error(errno, kWhat);
  return static_cast<const std::atomic<uint64_t>*>(page);
}

}  // namespace wherry::sandbox
