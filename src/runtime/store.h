// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/backtrace.h"
#include "runtime/extern.h"
#include "runtime/guest_stack.h"
#include "runtime/instance.h"
#include "runtime/memory.h"
#include "runtime/store_context.h"
#include "runtime/table.h"

namespace wherry::runtime {

class Pool;

// Of the linear memories of a store, for those who watch it from elsewhere.
struct MemoryGauge {
  std::atomic<uint64_t> used{0};     // bytes
  std::atomic<uint64_t> refused{0};  // how often the limit refused more
};

struct StoreConfig {
  uint64_t max_memory = ~uint64_t{0};  // bytes of all linear memories; growing beyond returns -1
  const std::atomic<uint64_t>* changing_max_memory = nullptr;  // the same, asked each time; none if nullptr
  MemoryGauge* gauge = nullptr;        // kept up to date, if there is one; outlives the store
  uint32_t refusal_interrupt = 0;      // reason of an interrupt() when the limit refuses more; 0: none
  uint64_t max_stack = 1 << 20;        // bytes of guest frames
  uint64_t max_host_stack = 256 << 10; // bytes of host frames that nested calls may pile up
  Pool* pool = nullptr;                // where memories and stacks come from and go to; none: mapped for this store
};

// Owns everything that one guest and its instances consist of. Guest code runs
// on the store's own stack; host functions run on the stack of the thread that
// called.
//
// Used by one thread at a time, except for interrupt(). The first store of a
// process installs the signal handlers (signals.h). Other handlers of the
// process must be installed with SA_ONSTACK: a guest's stack may be full.
//
// spec: syntax-store
class Store {
 public:
  static Result<std::unique_ptr<Store>> create(const StoreConfig& config);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // For the host's own exports. The objects live as long as the store.
  Result<Memory*> create_memory(const wasm::MemoryType& type, Memory::Checks checks,
                                const MemoryOrigin& origin = {});
  Result<Table*> create_table(const wasm::TableType& type, void* initial);
  Result<Table*> create_static_table(const wasm::TableType& type);
  Global create_global(const wasm::GlobalType& type, const abi::Value& value);

  // Makes the guest stop with Trap::interrupted: at once if it runs guest code,
  // when the host function returns if it is in one. Stays in force until
  // clear_interrupt(). The first reason counts. Any thread may call it, and a
  // signal handler; it neither blocks nor allocates.
  void interrupt(uint32_t reason);
  // 0: not interrupted.
  uint32_t interrupt_reason() const { return context_.interrupt.load(std::memory_order_acquire); }
  void clear_interrupt();
  // Readable once interrupt() was called: host functions that block wait with
  // ppoll on it too. Not to be read or closed.
  Result<int> wake_fd();

  // Of the last trap.
  const Fault& fault() const { return fault_; }
  std::vector<Frame> backtrace() const;

  const StoreConfig& config() const { return config_; }

  // The rest is for this folder.

  // Counts bytes that memories of this store want; false if the limit refuses.
  bool charge_memory(uint64_t bytes);
  void refund_memory(uint64_t bytes);
  Result<std::unique_ptr<MemorySlot>> take_memory_slot(uint64_t reserved, const MemorySlot::Owner& owner);
  void give_back(std::unique_ptr<MemorySlot> slot);
  void add(std::unique_ptr<Instance> instance);
  abi::StoreContext& context() { return context_; }
  const GuestStack& stack() const { return *stack_; }
  // The artifact whose code has `pc`; async-signal-safe on the store's thread.
  const Artifact* code_at(const void* pc) const;
  // Whether a guest's access to `address` is one past a memory's end; likewise.
  bool in_memory_guard(const void* address) const;
  // Writes down the fault with the frames from `frame` on, then those from
  // `outer` on, then those of the entries that are still active. Likewise.
  void record_fault(Trap trap, const void* pc, const void* address, const void* frame, const void* outer = nullptr);

 private:
  explicit Store(const StoreConfig& config);
  void refused_memory();

  const StoreConfig config_;
  abi::StoreContext context_;
  std::unique_ptr<GuestStack> stack_;
  uint64_t memory_used_ = 0;
  Fault fault_;

  void add_frame(const void* pc);
  void add_frames(const void* frame);

  // Lists that the signal handler reads; items are put in front and never leave.
  std::atomic<const Instance*> code_{nullptr};  // one for each artifact
  std::atomic<const Memory*> guarded_{nullptr};

  std::vector<std::unique_ptr<Memory>> memories_;
  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<std::unique_ptr<abi::Value>> globals_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::atomic<int> wake_fd_{-1};
};

}  // namespace wherry::runtime
