// SPDX-License-Identifier: Apache-2.0
#include "runtime/pool.h"

#include <algorithm>

namespace wherry::runtime {
namespace {

// The last item that fits leaves the list; null if there is none.
template <class T, class Fits>
std::unique_ptr<T> take_last(std::vector<std::unique_ptr<T>>& items, Fits fits) {
  const auto found = std::find_if(items.rbegin(), items.rend(), fits);
  if (found == items.rend()) return nullptr;
  std::unique_ptr<T> item = std::move(*found);
  items.erase(std::next(found).base());
  return item;
}

template <class T, class Fits>
std::unique_ptr<T> take_first(std::vector<std::unique_ptr<T>>& items, Fits fits) {
  const auto found = std::ranges::find_if(items, fits);
  if (found == items.end()) return nullptr;
  std::unique_ptr<T> item = std::move(*found);
  items.erase(found);
  return item;
}

// The oldest makes room.
template <class T>
void add_last(std::vector<std::unique_ptr<T>>& items, std::unique_ptr<T> item, uint32_t most) {
  if (most == 0) return;
  if (items.size() >= most) items.erase(items.begin());
  items.push_back(std::move(item));
}

}  // namespace

Pool::Pool(const PoolConfig& config)
    : config_(config), scanner_(config.scan_pages ? PageScanner::create() : nullptr) {}

Pool::~Pool() { CHECK(taken_ == 0, "a pool outlives its stores"); }

Result<std::unique_ptr<MemorySlot>> Pool::take_memory(uint64_t reserved, const MemorySlot::Owner& owner) {
  std::unique_ptr<MemorySlot> slot;
  if (owner.artifact != 0) {
    slot = take_last(memories_, [&](const auto& idle) { return idle->owner() == owner && idle->reserved() == reserved; });
  }
  if (!slot) {
    slot = take_last(memories_, [&](const auto& idle) { return !idle->owner().artifact && idle->reserved() == reserved; });
  }
  // Another module's slot is worth more as it is, unless there is no more room.
  if (!slot && memories_.size() >= config_.max_idle) {
    slot = take_first(memories_, [&](const auto& idle) { return idle->reserved() == reserved; });
    if (slot && !slot->clear()) slot.reset();
  }
  if (!slot) {
    slot = TRY(MemorySlot::create(reserved));
    slot->keep_small_pages();
  }
  ++taken_;
  return slot;
}

void Pool::put(std::unique_ptr<MemorySlot> slot) {
  --taken_;
  const bool is_clean = slot->owner().artifact != 0 ? slot->restore(scanner_.get(), config_.keep_resident) : slot->clear();
  if (is_clean) add_last(memories_, std::move(slot), config_.max_idle);
}

Result<std::unique_ptr<GuestStack>> Pool::take_stack(uint64_t size) {
  std::unique_ptr<GuestStack> stack = take_last(stacks_, [&](const auto& idle) { return idle->wanted_size() == size; });
  if (!stack) {
    stack = TRY(GuestStack::create(size));
    stack->keep_small_pages();
  }
  ++taken_;
  return stack;
}

void Pool::put(std::unique_ptr<GuestStack> stack) {
  --taken_;
  if (stack->clear(scanner_.get(), config_.keep_resident)) add_last(stacks_, std::move(stack), config_.max_idle);
}

}  // namespace wherry::runtime
