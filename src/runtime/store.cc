// SPDX-License-Identifier: Apache-2.0
#include "runtime/store.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/signals.h"

namespace wherry::runtime {

Store::Store(const StoreConfig& config) : config_(config) { context_.store = this; }

Store::~Store() {
  instances_.clear();
  if (const int fd = wake_fd_.load(); fd >= 0) close(fd);
}

Result<std::unique_ptr<Store>> Store::create(const StoreConfig& config) {
  TRY(install_signal_handlers());
  std::unique_ptr<Store> store(new Store(config));
  store->stack_ = TRY(GuestStack::create(config.max_stack));
  store->context_.guest_rsp = store->stack_->top();
  return store;
}

template <class T>
void Store::Published<T>::add(T item) {
  auto next = current.load() ? std::make_unique<std::vector<T>>(*current.load()) : std::make_unique<std::vector<T>>();
  next->insert(std::upper_bound(next->begin(), next->end(), item, [](T a, T b) { return a < b; }), item);
  versions.push_back(std::move(next));
  current.store(versions.back().get(), std::memory_order_release);
}

Result<Memory*> Store::create_memory(const wasm::MemoryType& type, Memory::Checks checks) {
  Memory* const memory = memories_.emplace_back(TRY(Memory::create(*this, type, checks))).get();
  if (memory->guarded()) guarded_.add(memory);
  return memory;
}

Result<Table*> Store::create_table(const wasm::TableType& type, void* initial) {
  return tables_.emplace_back(TRY(Table::create(type, initial))).get();
}

Global Store::create_global(const wasm::GlobalType& type, const abi::Value& value) {
  return {type, &globals_.emplace_back(value)};
}

void Store::add(std::unique_ptr<Instance> instance) { instances_.push_back(std::move(instance)); }

void Store::add_code(const Artifact& artifact) {
  const auto* const known = code_.current.load();
  if (!known || std::ranges::find(*known, &artifact) == known->end()) code_.add(&artifact);
}

bool Store::charge_memory(uint64_t bytes) {
  if (bytes > config_.max_memory || memory_used_ > config_.max_memory - bytes) return false;
  memory_used_ += bytes;
  return true;
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
  const auto* const artifacts = code_.current.load(std::memory_order_acquire);
  if (!artifacts) return nullptr;
  for (const Artifact* artifact : *artifacts) {
    const auto code = artifact->code();
    if (pc >= code.data() && pc < code.data() + code.size()) return artifact;
  }
  return nullptr;
}

bool Store::in_memory_guard(const void* address) const {
  const auto* const memories = guarded_.current.load(std::memory_order_acquire);
  return memories && std::ranges::any_of(*memories, [&](const Memory* memory) { return memory->in_guard(address); });
}

}  // namespace wherry::runtime
