// SPDX-License-Identifier: Apache-2.0
#include "runtime/guest_stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "abi/memory.h"

namespace wherry::runtime {

Result<std::unique_ptr<GuestStack>> GuestStack::create(uint64_t size) {
  constexpr uint64_t kPage = 4096, kSmallest = 16 << 10, kLargest = uint64_t{1} << 32;
  if (size > kLargest) return error(ErrorKind::exhausted, "a guest stack can not be larger than 4 GiB");
  size = (std::max(size, kSmallest) + kPage - 1) & ~(kPage - 1);
  void* const start = mmap(nullptr, abi::kStackGuard + size, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (start == MAP_FAILED) return os_error(errno, "guest stack");
  std::unique_ptr<GuestStack> stack(new GuestStack(static_cast<uint8_t*>(start) + abi::kStackGuard, size));
  if (mprotect(stack->low_, size, PROT_READ | PROT_WRITE) != 0) return os_error(errno, "guest stack");
  return stack;
}

GuestStack::~GuestStack() { munmap(low_ - abi::kStackGuard, abi::kStackGuard + size_); }

bool GuestStack::in_guard(const void* address) const {
  return address >= low_ - abi::kStackGuard && address < low_;
}

}  // namespace wherry::runtime
