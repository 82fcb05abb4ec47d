// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/artifact.h"
#include "runtime/store.h"

namespace wherry::runtime {
namespace {

constexpr uint64_t kHostPage = 4096;
// A 64-bit memory reserves no more than this; growing beyond fails.
constexpr uint64_t kLargestReservation = uint64_t{64} << 30;
// Up to here copying is faster than mapping.
constexpr uint64_t kCopiedImage = 64 << 10;

// What explicitly checked memories may ever grow to.
uint64_t checked_reservation(const wasm::MemoryType& type, uint64_t store_limit) {
  uint64_t bytes = type.address == wasm::AddressType::i32 ? abi::kMemoryReservation : kLargestReservation;
  if (type.limits.max) bytes = std::min(bytes / wasm::kPageSize, *type.limits.max) * wasm::kPageSize;
  return std::min(bytes, store_limit / wasm::kPageSize * wasm::kPageSize) + kHostPage;
}

}  // namespace

Result<std::unique_ptr<Memory>> Memory::create(Store& store, const wasm::MemoryType& type, Checks checks) {
  if (type.address == wasm::AddressType::i64) checks = Checks::explicit_checks;
  const uint64_t reserved = checks == Checks::guard_pages ? abi::kMemoryReservation + abi::kMemoryGuard
                                                          : checked_reservation(type, store.config().max_memory);
  void* const base = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return os_error(errno, "address space for a memory");
  std::unique_ptr<Memory> memory(new Memory(store, type, checks, static_cast<uint8_t*>(base), reserved));
  if (!memory->grow(type.limits.min)) {
    return error(ErrorKind::exhausted, "a memory of " + std::to_string(type.limits.min) +
                                           " pages is more than this program may use");
  }
  return memory;
}

Memory::~Memory() {
  store_.refund_memory(size());
  munmap(base(), reserved_);
}

std::optional<uint64_t> Memory::grow(uint64_t delta) {
  const uint64_t old_pages = size() / wasm::kPageSize;
  if (delta == 0) return old_pages;
  const uint64_t guard = guarded() ? abi::kMemoryGuard : kHostPage;
  const uint64_t most = std::min((reserved_ - guard) / wasm::kPageSize, type_.limits.max.value_or(~uint64_t{0}));
  if (delta > most || old_pages > most - delta) return std::nullopt;
  const uint64_t bytes = delta * wasm::kPageSize;
  if (!store_.charge_memory(bytes)) return std::nullopt;
  if (mprotect(base() + size(), bytes, PROT_READ | PROT_WRITE) != 0) {
    store_.refund_memory(bytes);
    return std::nullopt;
  }
  descriptor_.length += bytes;
  return old_pages;
}

Result<std::span<uint8_t>, Trap> Memory::slice(uint64_t address, uint64_t length) const {
  if (address > size() || length > size() - address) return Trap::memory_out_of_bounds;
  return std::span(base() + address, length);
}

Result<void> Memory::set_image(const Artifact& artifact) {
  const abi::Range& image = artifact.header().image;
  const uint64_t address = artifact.header().image_address;
  if (image.size == 0) return {};
  if (address % kHostPage != 0 || image.offset % kHostPage != 0 || address > size() || image.size > size() - address) {
    return error(ErrorKind::malformed, "the artifact's memory image does not fit its memory");
  }
  if (image.size <= kCopiedImage) {
    memcpy(base() + address, artifact.bytes(image.offset, image.size).data(), image.size);
    return {};
  }
  const uint64_t whole = image.size & ~(kHostPage - 1);
  if (mmap(base() + address, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, artifact.file(),
           static_cast<off_t>(image.offset)) == MAP_FAILED) {
    return os_error(errno, "memory image");
  }
  memcpy(base() + address + whole, artifact.bytes(image.offset + whole, image.size - whole).data(),
         image.size - whole);
  return {};
}

}  // namespace wherry::runtime
