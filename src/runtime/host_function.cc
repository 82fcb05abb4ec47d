// SPDX-License-Identifier: Apache-2.0
#include "runtime/host_function.h"

#include <array>
#include <cstring>
#include <vector>

#include "runtime/guest_call.h"
#include "runtime/host_context.h"
#include "runtime/signals.h"
#include "runtime/store.h"
#include "runtime/value_at.h"

namespace wherry::runtime {
namespace {

// Where x64/stubs.S puts the registers of a call.
struct HostFrame {
  abi::Value integers[4];
  uint8_t vectors[8][16];
  abi::Value results[3];
  uint64_t store;
  uint64_t unused;
};
static_assert(offsetof(HostFrame, integers) == FRAME_INTEGERS);
static_assert(offsetof(HostFrame, vectors) == FRAME_VECTORS);
static_assert(offsetof(HostFrame, results) == FRAME_RESULTS);
static_assert(offsetof(HostFrame, store) == FRAME_STORE);
static_assert(sizeof(HostFrame) == FRAME_SIZE);

abi::Value load(const HostFrame& frame, const uint8_t* stack, abi::ArgumentLocation at, wasm::ValType type) {
  const void* from = at.kind == abi::ArgumentLocation::Kind::integer_register ? &frame.integers[at.index]
                     : at.kind == abi::ArgumentLocation::Kind::vector_register
                         ? static_cast<const void*>(frame.vectors[at.index])
                         : stack + at.index;
  return value_at(from, type);
}

}  // namespace

HostFunction HostFunction::create(const wasm::FuncType& type, Body body, void* data) {
  return {TypeRegistry::process().id_of(type), body, data};
}

abi::FuncRef func_ref(HostContext& context) {
  const auto code = context.signature->integers_only ? wherry_host_thunk_integers : wherry_host_thunk;
  return {reinterpret_cast<const void*>(code), reinterpret_cast<abi::Context*>(&context), nullptr,
          context.signature->id, 0};
}

Store& HostCall::store() const { return *context_.store->store; }
Instance* HostCall::caller() const { return context_.caller; }

std::span<uint8_t> HostCall::memory() const {
  if (!context_.memory) return {};
  return {context_.memory->base, context_.memory->length};
}

Result<std::span<uint8_t>, Trap> HostCall::slice(uint64_t address, uint64_t length) const {
  const std::span<uint8_t> all = memory();
  if (address > all.size() || length > all.size() - address) return Trap::memory_out_of_bounds;
  return all.subspan(address, length);
}

extern "C" {

// `values`: the four integer registers and room for the result.
void wherry_call_host_integers(HostContext* context, abi::Value* values) {
  const wasm::FuncType& type = context->signature->type;
  HostCall call(*context, {values, type.params.size()}, {values + 4, type.results.size()});
  const Result<void, Trap> done = context->body(context->data, call);
  if (!done) raise(*context->store, done.error());
}

// Returns how many bytes of `stack` the call pops.
uint64_t wherry_call_host(HostContext* context, HostFrame* frame, const uint8_t* stack) {
  const Signature& signature = *context->signature;
  const size_t params = signature.type.params.size(), count = params + signature.type.results.size();
  std::array<abi::Value, 16> few;
  std::vector<abi::Value> many(count > few.size() ? count : 0);
  const std::span<abi::Value> values = std::span(many.empty() ? few.data() : many.data(), count);
  for (size_t i = 0; i < params; ++i) {
    values[i] = load(*frame, stack, signature.layout.params[i], signature.type.params[i]);
  }
  void* const result_area = frame->integers[0].ref;

  HostCall call(*context, values.first(params), values.subspan(params));
  const Result<void, Trap> done = context->body(context->data, call);
  if (!done) {
    raise(*context->store, done.error());
    return 0;
  }
  if (signature.layout.result_area) {
    memcpy(result_area, call.results.data(), call.results.size_bytes());
    return signature.layout.stack_bytes;
  }
  for (size_t i = 0; i < call.results.size(); ++i) {
    const abi::ArgumentLocation at = signature.layout.results[i];
    const bool integer = at.kind == abi::ArgumentLocation::Kind::integer_register;
    memcpy(integer ? static_cast<void*>(&frame->integers[at.index]) : frame->vectors[at.index], &call.results[i], 16);
  }
  return signature.layout.stack_bytes;
}

}  // extern "C"

}  // namespace wherry::runtime
