// SPDX-License-Identifier: Apache-2.0
#include "runtime/table.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "wasm/limits.h"

namespace wherry::runtime {
namespace {

constexpr uint64_t kHostPage = 4096;

uint64_t page_bytes(uint64_t elements) { return (elements * sizeof(void*) + kHostPage - 1) & ~(kHostPage - 1); }

}  // namespace

Result<std::unique_ptr<Table>> Table::create(const wasm::TableType& type, void* initial) {
  const uint64_t capacity = std::min(type.limits.max.value_or(wasm::kMaxTableSize), wasm::kMaxTableSize);
  if (type.limits.min > wasm::kMaxTableSize) {
    return error(ErrorKind::exhausted, "a table of " + std::to_string(type.limits.min) + " elements is too large");
  }
  void* const start = mmap(nullptr, std::max(page_bytes(capacity), kHostPage), PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return os_error(errno, "address space for a table");
  std::unique_ptr<Table> table(new Table(type, static_cast<void**>(start), capacity));
  if (!table->grow(type.limits.min, initial)) return error(ErrorKind::exhausted, "no memory for a table");
  return table;
}

Table::~Table() { munmap(descriptor_.elements, std::max(page_bytes(capacity_), kHostPage)); }

std::optional<uint64_t> Table::grow(uint64_t delta, void* initial) {
  const uint64_t old_size = size();
  if (delta > capacity_ - old_size) return std::nullopt;
  const uint64_t accessible = page_bytes(old_size), wanted = page_bytes(old_size + delta);
  auto* const start = reinterpret_cast<uint8_t*>(descriptor_.elements);
  if (wanted > accessible && mprotect(start + accessible, wanted - accessible, PROT_READ | PROT_WRITE) != 0) {
    return std::nullopt;
  }
  descriptor_.length += delta;
  if (initial) std::ranges::fill(elements().subspan(old_size), initial);  // null is what fresh pages hold
  return old_size;
}

Result<std::span<void*>, Trap> Table::slice(uint64_t index, uint64_t count) const {
  if (index > size() || count > size() - index) return Trap::table_out_of_bounds;
  return elements().subspan(index, count);
}

}  // namespace wherry::runtime
