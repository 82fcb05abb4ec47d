// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "abi/context.h"
#include "abi/memory.h"
#include "abi/trap.h"
#include "base/result.h"
#include "runtime/memory_slot.h"
#include "wasm/types.h"

namespace wherry::runtime {

class Artifact;
class Store;

// Whose memory it is: memory `index` of a module, which starts with the artifact's
// image if it is the first. None: the host's.
struct MemoryOrigin {
  const Artifact* artifact = nullptr;
  uint32_t index = 0;
};

// A linear memory. The whole range is reserved on creation and pages are made
// accessible as it grows, so base() never changes and compiled code may keep it
// in a register. With guard pages, an access past size() faults (abi/memory.h);
// without, compiled code compares with the descriptor's length.
//
// Owned by a Store; used by one thread at a time.
//
// spec: syntax-meminst
class Memory {
 public:
  enum class Checks : uint8_t { guard_pages, explicit_checks };

  // Fails if the host can not reserve the address space, the minimum is more than
  // the store allows, or the image does not fit.
  static Result<std::unique_ptr<Memory>> create(Store& store, const wasm::MemoryType& type, Checks checks,
                                                const MemoryOrigin& origin = {});
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  const wasm::MemoryType& type() const { return type_; }
  bool guarded() const { return checks_ == Checks::guard_pages; }
  uint8_t* base() const { return descriptor_.base; }
  uint64_t size() const { return descriptor_.length; }  // in bytes
  std::span<uint8_t> bytes() const { return {base(), size()}; }
  abi::MemoryDescriptor* descriptor() { return &descriptor_; }

  // The old size in pages, or nothing if the type, the store's limit or the host
  // refuses. New pages are zero.  spec: exec-memory.grow
  std::optional<uint64_t> grow(uint64_t delta);

  // The bytes [address, address + length), or Trap::memory_out_of_bounds.
  Result<std::span<uint8_t>, Trap> slice(uint64_t address, uint64_t length) const;

  // For the list of Store::in_memory_guard.
  void publish(std::atomic<const Memory*>& list) {
    next_guarded_ = list.load();
    list.store(this, std::memory_order_release);
  }
  const Memory* next_guarded() const { return next_guarded_; }

  // What lies between the accessible end and the end of the reservation: a
  // guest's fault in this memory is one here and nowhere else.
  bool in_guard(const void* address) const {
    const auto at = static_cast<const uint8_t*>(address);
    return at >= base() + size() && at < base() + slot_->reserved();
  }

 private:
  Memory(Store& store, const wasm::MemoryType& type, Checks checks, std::unique_ptr<MemorySlot> slot)
      : store_(store), type_(type), checks_(checks), slot_(std::move(slot)), descriptor_{slot_->base(), 0} {}
  std::optional<uint64_t> charge(uint64_t delta);
  Result<void> start(const MemoryOrigin& origin);

  Store& store_;
  const wasm::MemoryType type_;
  const Checks checks_;
  std::unique_ptr<MemorySlot> slot_;  // guard included
  abi::MemoryDescriptor descriptor_;
  const Memory* next_guarded_ = nullptr;
};

}  // namespace wherry::runtime
