// SPDX-License-Identifier: Apache-2.0
#include "runtime/table.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "wasm/limits.h"

namespace wherry::runtime {
namespace {

constexpr uint64_t kHostPage = 4096;

// Up to here a table has all it may grow to from the start.
constexpr uint64_t kSmall = 64 << 10;

uint64_t page_bytes(uint64_t elements) { return (elements * sizeof(void*) + kHostPage - 1) & ~(kHostPage - 1); }

}  // namespace

Result<std::unique_ptr<Table>> Table::create(const wasm::TableType& type, void* initial) {
  const uint64_t capacity = std::min(type.limits.max.value_or(wasm::kMaxTableSize), wasm::kMaxTableSize);
  TRY(check(type));
  const bool mapped = capacity * sizeof(void*) > kSmall;
  void* const start = mapped ? mmap(nullptr, page_bytes(capacity), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                             : calloc(std::max<uint64_t>(capacity, 1), sizeof(void*));
  if (!start || start == MAP_FAILED) return os_error(errno, "address space for a table");
  std::unique_ptr<Table> table(new Table(type, mapped ? Storage::mapped : Storage::heap, static_cast<void**>(start), capacity));
  if (!table->grow(type.limits.min, initial)) return error(ErrorKind::exhausted, "no memory for a table");
  return table;
}

Result<std::unique_ptr<Table>> Table::create_static(const wasm::TableType& type) {
  TRY(check(type));
  std::unique_ptr<Table> table(new Table(type, Storage::none, nullptr, type.limits.min));
  table->descriptor_.length = type.limits.min;
  return table;
}

Result<void> Table::check(const wasm::TableType& type) {
  if (type.limits.min <= wasm::kMaxTableSize) return {};
  return error(ErrorKind::exhausted, "a table of " + std::to_string(type.limits.min) + " elements is too large");
}

Table::~Table() {
  if (storage_ == Storage::heap) free(descriptor_.elements);
  if (storage_ == Storage::mapped) munmap(descriptor_.elements, page_bytes(capacity_));
}

std::optional<uint64_t> Table::grow(uint64_t delta, void* initial) {
  const uint64_t old_size = size();
  if (delta > capacity_ - old_size) return std::nullopt;
  const uint64_t accessible = page_bytes(old_size), wanted = page_bytes(old_size + delta);
  auto* const start = reinterpret_cast<uint8_t*>(descriptor_.elements);
  if (storage_ == Storage::mapped && wanted > accessible &&
      mprotect(start + accessible, wanted - accessible, PROT_READ | PROT_WRITE) != 0) {
    return std::nullopt;
  }
  descriptor_.length += delta;
  if (initial) std::ranges::fill(elements().subspan(old_size), initial);  // null is what fresh memory holds
  return old_size;
}

Result<std::span<void*>, Trap> Table::slice(uint64_t index, uint64_t count) const {
  if (index > size() || count > size() - index) return Trap::table_out_of_bounds;
  return elements().subspan(index, count);
}

}  // namespace wherry::runtime
