// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "runtime/guest_call.h"
#include "runtime/instance.h"
#include "runtime/memory.h"
#include "runtime/signals.h"
#include "runtime/table.h"

// abi/libcall.def, one function a row. They run on the host's stack; arguments of
// 32 bits come zero-extended.
namespace wherry::runtime {
namespace {

using abi::Context;

Instance& instance_of(Context* context) { return *static_cast<Instance*>(context->instance); }

// Ends the guest's call if `result` is a trap.
template <class T>
bool ok(Context* context, const Result<T, Trap>& result) {
  if (!result) [[unlikely]] {
    raise(*context->store, result.error());
    return false;
  }
  return true;
}

void* reference(uint64_t bits) { return reinterpret_cast<void*>(bits); }

// spec: exec-memory.grow
uint64_t memory_grow(Context* context, uint64_t memory, uint64_t delta) {
  return instance_of(context).memory(static_cast<uint32_t>(memory)).grow(delta).value_or(~uint64_t{0});
}

// spec: exec-memory.copy
void memory_copy(Context* context, uint64_t to_memory, uint64_t from_memory, uint64_t to, uint64_t from,
                 uint64_t size) {
  Instance& instance = instance_of(context);
  const auto source = instance.memory(static_cast<uint32_t>(from_memory)).slice(from, size);
  const auto target = instance.memory(static_cast<uint32_t>(to_memory)).slice(to, size);
  if (ok(context, source) && ok(context, target)) memmove(target->data(), source->data(), size);
}

// spec: exec-memory.fill
void memory_fill(Context* context, uint64_t memory, uint64_t to, uint64_t byte, uint64_t size) {
  const auto target = instance_of(context).memory(static_cast<uint32_t>(memory)).slice(to, size);
  if (ok(context, target)) memset(target->data(), static_cast<uint8_t>(byte), size);
}

// spec: exec-memory.init
void memory_init(Context* context, uint64_t segment, uint64_t memory, uint64_t to, uint64_t from, uint64_t size) {
  ok(context, instance_of(context).memory_init(static_cast<uint32_t>(segment), static_cast<uint32_t>(memory), to,
                                               from, size));
}

// spec: exec-data.drop
void data_drop(Context* context, uint64_t segment) {
  instance_of(context).drop_data(static_cast<uint32_t>(segment));
}

// spec: exec-table.get
void* table_get(Context* context, uint64_t table, uint64_t index) {
  const auto element = instance_of(context).table(static_cast<uint32_t>(table)).slice(index, 1);
  return ok(context, element) ? element->front() : nullptr;
}

// spec: exec-table.set
void table_set(Context* context, uint64_t table, uint64_t index, uint64_t value) {
  const auto element = instance_of(context).table(static_cast<uint32_t>(table)).slice(index, 1);
  if (ok(context, element)) element->front() = reference(value);
}

// spec: exec-table.grow
uint64_t table_grow(Context* context, uint64_t table, uint64_t initial, uint64_t delta) {
  return instance_of(context)
      .table(static_cast<uint32_t>(table))
      .grow(delta, reference(initial))
      .value_or(~uint64_t{0});
}

// spec: exec-table.fill
void table_fill(Context* context, uint64_t table, uint64_t to, uint64_t value, uint64_t count) {
  const auto target = instance_of(context).table(static_cast<uint32_t>(table)).slice(to, count);
  if (ok(context, target)) std::ranges::fill(*target, reference(value));
}

// spec: exec-table.copy
void table_copy(Context* context, uint64_t to_table, uint64_t from_table, uint64_t to, uint64_t from,
                uint64_t count) {
  Instance& instance = instance_of(context);
  const auto source = instance.table(static_cast<uint32_t>(from_table)).slice(from, count);
  const auto target = instance.table(static_cast<uint32_t>(to_table)).slice(to, count);
  if (ok(context, source) && ok(context, target)) {
    memmove(target->data(), source->data(), source->size_bytes());
  }
}

// spec: exec-table.init
void table_init(Context* context, uint64_t segment, uint64_t table, uint64_t to, uint64_t from, uint64_t count) {
  ok(context, instance_of(context).table_init(static_cast<uint32_t>(segment), static_cast<uint32_t>(table), to, from,
                                              count));
}

// spec: exec-elem.drop
void elem_drop(Context* context, uint64_t segment) {
  instance_of(context).drop_elem(static_cast<uint32_t>(segment));
}

// spec: exec-ref.func
const abi::FuncRef* ref_func(Context* context, uint64_t function) {
  return instance_of(context).function(static_cast<uint32_t>(function));
}

}  // namespace

// By abi::Libcall; called by x64/stubs.S.
extern "C" const void* const wherry_libcalls[] = {
#define LIBCALL(name, params, result) reinterpret_cast<const void*>(&name),
#include "abi/libcall.def"
#undef LIBCALL
};

}  // namespace wherry::runtime
