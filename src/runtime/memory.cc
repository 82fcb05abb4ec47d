// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory.h"

#include <algorithm>
#include <string>

#include "runtime/artifact.h"
#include "runtime/store.h"

namespace wherry::runtime {
namespace {

constexpr uint64_t kHostPage = 4096;
// A 64-bit memory reserves no more than this; growing beyond fails.
constexpr uint64_t kLargestReservation = uint64_t{64} << 30;

// What explicitly checked memories may ever grow to.
uint64_t checked_reservation(const wasm::MemoryType& type, uint64_t store_limit) {
  uint64_t bytes = type.address == wasm::AddressType::i32 ? abi::kMemoryReservation : kLargestReservation;
  if (type.limits.max) bytes = std::min(bytes / wasm::kPageSize, *type.limits.max) * wasm::kPageSize;
  return std::min(bytes, store_limit / wasm::kPageSize * wasm::kPageSize) + kHostPage;
}

MemorySlot::Owner owner(const MemoryOrigin& origin) {
  return origin.artifact ? MemorySlot::Owner{origin.artifact->id(), origin.index} : MemorySlot::Owner{};
}

}  // namespace

Result<std::unique_ptr<Memory>> Memory::create(Store& store, const wasm::MemoryType& type, Checks checks,
                                               const MemoryOrigin& origin) {
  if (type.address == wasm::AddressType::i64) checks = Checks::explicit_checks;
  const uint64_t reserved = checks == Checks::guard_pages ? abi::kMemoryReservation + abi::kMemoryGuard
                                                          : checked_reservation(type, store.config().max_memory);
  std::unique_ptr<MemorySlot> slot = TRY(store.take_memory_slot(reserved, owner(origin)));
  std::unique_ptr<Memory> memory(new Memory(store, type, checks, std::move(slot)));
  TRY(memory->start(origin));
  return memory;
}

Memory::~Memory() {
  store_.refund_memory(size());
  store_.give_back(std::move(slot_));
}

Result<void> Memory::start(const MemoryOrigin& origin) {
  const bool is_there = origin.artifact && slot_->owner() == owner(origin);
  const bool allowed = is_there ? charge(type_.limits.min).has_value() : grow(type_.limits.min).has_value();
  if (!allowed) {
    return error(ErrorKind::exhausted, "a memory of " + std::to_string(type_.limits.min) +
                                           " pages is more than this program may use");
  }
  if (is_there) {
    descriptor_.length = type_.limits.min * wasm::kPageSize;
    return {};
  }
  if (origin.artifact && origin.index == 0) TRY(slot_->set_image(*origin.artifact));
  slot_->set_start(owner(origin));
  return {};
}

// The size in bytes after growing by `delta` pages, if the type and the store's
// limit, which counts them, allow it.
std::optional<uint64_t> Memory::charge(uint64_t delta) {
  const uint64_t guard = guarded() ? abi::kMemoryGuard : kHostPage, old_pages = size() / wasm::kPageSize;
  const uint64_t most = std::min((slot_->reserved() - guard) / wasm::kPageSize, type_.limits.max.value_or(~uint64_t{0}));
  if (delta > most || old_pages > most - delta) return std::nullopt;
  if (!store_.charge_memory(delta * wasm::kPageSize)) return std::nullopt;
  return size() + delta * wasm::kPageSize;
}

std::optional<uint64_t> Memory::grow(uint64_t delta) {
  const uint64_t old_pages = size() / wasm::kPageSize;
  if (delta == 0) return old_pages;
  const std::optional<uint64_t> bytes = charge(delta);
  if (!bytes) return std::nullopt;
  if (!slot_->extend(*bytes)) {
    store_.refund_memory(*bytes - size());
    return std::nullopt;
  }
  descriptor_.length = *bytes;
  return old_pages;
}

Result<std::span<uint8_t>, Trap> Memory::slice(uint64_t address, uint64_t length) const {
  if (address > size() || length > size() - address) return Trap::memory_out_of_bounds;
  return std::span(base() + address, length);
}

}  // namespace wherry::runtime
