// SPDX-License-Identifier: Apache-2.0
#include "runtime/alternate_stack.h"

#include <sys/mman.h>

#include <csignal>
#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace wherry::runtime {
namespace {

constexpr size_t kSize = 64 << 10;
constexpr size_t kGuard = 4096;

struct Range {
  const uint8_t* start;
  size_t size;
};
thread_local __attribute__((tls_model("initial-exec"))) Range in_use{};

// The mapping of a thread that had no stack of its own.
class Owned {
 public:
  ~Owned() {
    if (!start_) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
    in_use = {};
    munmap(start_, kGuard + kSize);
  }

  void create() {
    void* const start = mmap(nullptr, kGuard + kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(start != MAP_FAILED, "address space for 64 KiB");
    CHECK(mprotect(start, kGuard, PROT_NONE) == 0, "a guard page");
    start_ = static_cast<uint8_t*>(start);
    stack_t stack{};
    stack.ss_sp = start_ + kGuard;
    stack.ss_size = kSize;
    CHECK(sigaltstack(&stack, nullptr) == 0, "no handler runs while guest code is entered");
    in_use = {start_ + kGuard, kSize};
  }

 private:
  uint8_t* start_ = nullptr;
};
thread_local Owned owned;

}  // namespace

void ensure_alternate_stack() {
  stack_t present{};
  sigaltstack(nullptr, &present);
  if (!(present.ss_flags & SS_DISABLE) && present.ss_size >= kSize) {
    in_use = {static_cast<const uint8_t*>(present.ss_sp), present.ss_size};
    return;
  }
  owned.create();
}

bool on_alternate_stack(const void* address) {
  const auto* const at = static_cast<const uint8_t*>(address);
  return at >= in_use.start && at < in_use.start + in_use.size;
}

}  // namespace wherry::runtime
