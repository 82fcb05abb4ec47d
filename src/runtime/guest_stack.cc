// SPDX-License-Identifier: Apache-2.0
#include "runtime/guest_stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "abi/memory.h"
#include "runtime/page_scanner.h"

namespace wherry::runtime {

Result<std::unique_ptr<GuestStack>> GuestStack::create(uint64_t size) {
  constexpr uint64_t kPage = 4096, kSmallest = 16 << 10, kLargest = uint64_t{1} << 32;
  if (size > kLargest) return error(ErrorKind::exhausted, "a guest stack can not be larger than 4 GiB");
  const uint64_t wanted = size;
  size = (std::max(size, kSmallest) + kPage - 1) & ~(kPage - 1);
  void* const start = mmap(nullptr, abi::kStackGuard + size, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (start == MAP_FAILED) return os_error(errno, "guest stack");
  std::unique_ptr<GuestStack> stack(new GuestStack(static_cast<uint8_t*>(start) + abi::kStackGuard, size, wanted));
  if (mprotect(stack->low_, size, PROT_READ | PROT_WRITE) != 0) return os_error(errno, "guest stack");
  return stack;
}

GuestStack::~GuestStack() { munmap(low_ - abi::kStackGuard, abi::kStackGuard + size_); }

bool GuestStack::in_guard(const void* address) const {
  return address >= low_ - abi::kStackGuard && address < low_;
}

bool GuestStack::clear(PageScanner* scanner, uint64_t keep_resident) {
  const auto written = scanner ? scanner->find({low_, size_}) : std::nullopt;
  uint64_t bytes = 0;
  if (written) {
    for (const PageScanner::Region& region : *written) bytes += region.end - region.start;
  }
  if (!written || bytes > keep_resident) return madvise(low_, size_, MADV_DONTNEED) == 0;
  const auto low = reinterpret_cast<uint64_t>(low_);
  for (const PageScanner::Region& region : *written) memset(low_ + (region.start - low), 0, region.end - region.start);
  return true;
}

void GuestStack::keep_small_pages() { madvise(low_, size_, MADV_NOHUGEPAGE); }

}  // namespace wherry::runtime
