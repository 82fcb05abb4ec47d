// SPDX-License-Identifier: Apache-2.0
#include "runtime/store.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/pool.h"
#include "runtime/signals.h"

namespace wherry::runtime {

Store::Store(const StoreConfig& config) : config_(config) { context_.store = this; }

Store::~Store() {
  instances_.clear();
  if (config_.pool && stack_) config_.pool->put(std::move(stack_));
  if (const int fd = wake_fd_.load(); fd >= 0) close(fd);
}

Result<std::unique_ptr<Store>> Store::create(const StoreConfig& config) {
  TRY(install_signal_handlers());
  std::unique_ptr<Store> store(new Store(config));
  store->stack_ = TRY(config.pool ? config.pool->take_stack(config.max_stack) : GuestStack::create(config.max_stack));
  store->context_.guest_rsp = store->stack_->top();
  return store;
}

Result<Memory*> Store::create_memory(const wasm::MemoryType& type, Memory::Checks checks,
                                     const MemoryOrigin& origin) {
  Memory* const memory = memories_.emplace_back(TRY(Memory::create(*this, type, checks, origin))).get();
  if (memory->guarded()) memory->publish(guarded_);
  return memory;
}

Result<Table*> Store::create_table(const wasm::TableType& type, void* initial) {
  return tables_.emplace_back(TRY(Table::create(type, initial))).get();
}

Result<Table*> Store::create_static_table(const wasm::TableType& type) {
  return tables_.emplace_back(TRY(Table::create_static(type))).get();
}

Global Store::create_global(const wasm::GlobalType& type, const abi::Value& value) {
  return {type, globals_.emplace_back(std::make_unique<abi::Value>(value)).get()};
}

void Store::add(std::unique_ptr<Instance> instance) {
  const Instance* known = code_.load();
  while (known && &known->artifact() != &instance->artifact()) known = known->next_code();
  if (!known) instance->publish_code(code_);
  instances_.push_back(std::move(instance));
}

bool Store::charge_memory(uint64_t bytes) {
  const uint64_t now = config_.changing_max_memory ? config_.changing_max_memory->load(std::memory_order_relaxed) : config_.max_memory;
  const uint64_t limit = std::min(now, config_.max_memory);
  if (bytes > limit || memory_used_ > limit - bytes) {
    refused_memory();
    return false;
  }
  memory_used_ += bytes;
  if (config_.gauge) config_.gauge->used.store(memory_used_, std::memory_order_relaxed);
  return true;
}

void Store::refused_memory() {
  if (config_.gauge) config_.gauge->refused.fetch_add(1, std::memory_order_relaxed);
  if (config_.refusal_interrupt) interrupt(config_.refusal_interrupt);
}

void Store::refund_memory(uint64_t bytes) {
  memory_used_ -= bytes;
  if (config_.gauge) config_.gauge->used.store(memory_used_, std::memory_order_relaxed);
}

Result<std::unique_ptr<MemorySlot>> Store::take_memory_slot(uint64_t reserved, const MemorySlot::Owner& owner) {
  return config_.pool ? config_.pool->take_memory(reserved, owner) : MemorySlot::create(reserved);
}

void Store::give_back(std::unique_ptr<MemorySlot> slot) {
  if (config_.pool) config_.pool->put(std::move(slot));
}

void Store::interrupt(uint32_t reason) {
  const int saved = errno;
  uint32_t none = 0;
  context_.interrupt.compare_exchange_strong(none, reason ? reason : 1);
  if (const int fd = wake_fd_.load(); fd >= 0) eventfd_write(fd, 1);
  signal_thread(context_);
  errno = saved;
}

void Store::clear_interrupt() {
  context_.interrupt.store(0);
  eventfd_t count;
  if (const int fd = wake_fd_.load(); fd >= 0) eventfd_read(fd, &count);
}

Result<int> Store::wake_fd() {
  if (wake_fd_.load() >= 0) return wake_fd_.load();
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return os_error(errno, "wake descriptor");
  wake_fd_.store(fd);
  // An interrupt that came before it could see the descriptor.
  if (context_.interrupt.load()) eventfd_write(fd, 1);
  return fd;
}

const Artifact* Store::code_at(const void* pc) const {
  for (auto* at = code_.load(std::memory_order_acquire); at; at = at->next_code()) {
    const auto code = at->artifact().code();
    if (pc >= code.data() && pc < code.data() + code.size()) return &at->artifact();
  }
  return nullptr;
}

bool Store::in_memory_guard(const void* address) const {
  for (auto* at = guarded_.load(std::memory_order_acquire); at; at = at->next_guarded()) {
    if (at->in_guard(address)) return true;
  }
  return false;
}

}  // namespace wherry::runtime
