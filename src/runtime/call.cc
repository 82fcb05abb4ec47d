// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <vector>

#include "runtime/guest_call.h"
#include "runtime/signals.h"
#include "runtime/store.h"
#include "runtime/value_at.h"

namespace wherry::runtime {
namespace {

using Kind = abi::ArgumentLocation::Kind;

// Marks this thread as running guest code of a store, for the signal handlers
// and interrupt().
class Activation {
 public:
  explicit Activation(abi::StoreContext& context)
      : context_(context), outer_store_(enter_thread(&context)), outermost_(!context.host_rsp) {
    if (!outermost_) return;
    context.host_limit = static_cast<const uint8_t*>(__builtin_frame_address(0)) -
                         context.store->config().max_host_stack;
    publish_thread(context);
  }
  ~Activation() {
    if (outermost_) context_.thread.store(0, std::memory_order_release);
    leave_thread(outer_store_);
  }
  Activation(const Activation&) = delete;
  Activation& operator=(const Activation&) = delete;

  bool has_host_stack() const { return __builtin_frame_address(0) >= context_.host_limit; }

 private:
  abi::StoreContext& context_;
  abi::StoreContext* const outer_store_;
  const bool outermost_;
};

void set_args(const Signature& signature, std::span<const abi::Value> args, GuestCall& call, uint8_t* stack) {
  if (signature.integers_only) {
    for (size_t i = 0; i < args.size(); ++i) call.integers[i] = args[i].i64;
    return;
  }
  for (size_t i = 0; i < args.size(); ++i) {
    const abi::ArgumentLocation at = signature.layout.params[i];
    switch (at.kind) {
      case Kind::integer_register: call.integers[at.index] = args[i].i64; break;
      case Kind::vector_register: memcpy(call.vectors[at.index], &args[i], 16); break;
      case Kind::stack: memcpy(stack + at.index, &args[i], signature.type.params[i] == wasm::kV128 ? 16 : 8); break;
    }
  }
}

void take_results(const Signature& signature, const GuestCall& call, std::span<abi::Value> results) {
  if (signature.integers_only) {
    if (!results.empty()) results[0] = value_at(&call.integers[0], signature.type.results[0]);
    return;
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const abi::ArgumentLocation at = signature.layout.results[i];
    const void* const from = at.kind == Kind::stack              ? static_cast<const void*>(&results[i])
                             : at.kind == Kind::integer_register ? static_cast<const void*>(&call.integers[at.index])
                                                                 : call.vectors[at.index];
    results[i] = value_at(from, signature.type.results[i]);
  }
}

// The reason why wherry_enter was left early.
Trap trap_of(abi::StoreContext& context, const void* exit_frame) {
  uint32_t trap = context.trap.exchange(0, std::memory_order_relaxed);
  if (!trap) {  // an interrupt that was found on the way into guest code
    context.store->record_fault(Trap::interrupted, nullptr, nullptr, exit_frame, context.exit_frame);
    trap = 1 + static_cast<uint32_t>(Trap::interrupted);
  }
  context.unwinding = trap;
  return static_cast<Trap>(trap - 1);
}

Result<void, Trap> enter(abi::StoreContext& context, GuestCall& call) {
  const Activation activation(context);
  if (!activation.has_host_stack()) {
    context.store->record_fault(Trap::call_stack_exhausted, nullptr, nullptr, context.exit_frame);
    return Trap::call_stack_exhausted;
  }
  context.unwinding = 0;
  const EnterResult left = wherry_enter(&context, &call);
  if (left.trapped) [[unlikely]] return trap_of(context, left.exit_frame);
  return {};
}

}  // namespace

Result<void, Trap> Function::call(std::span<const abi::Value> args, std::span<abi::Value> results) const {
  const Signature& signature = this->signature();
  CHECK(args.size() == signature.type.params.size(), "a value for each parameter");
  CHECK(results.size() == signature.type.results.size(), "room for each result");

  GuestCall call;
  call.code = ref_->code;
  call.context = ref_->context;
  call.memory_base = ref_->memory_base;
  call.stack_bytes = signature.layout.stack_bytes;
  std::vector<uint64_t> stack(signature.layout.stack_arguments ? call.stack_bytes / 8 : 0);
  call.stack = stack.data();
  if (signature.layout.result_area) call.integers[0] = reinterpret_cast<uint64_t>(results.data());
  set_args(signature, args, call, reinterpret_cast<uint8_t*>(stack.data()));

  if (auto left = enter(*ref_->context->store, call); !left) [[unlikely]] return left.error();
  take_results(signature, call, results);
  return {};
}

}  // namespace wherry::runtime
