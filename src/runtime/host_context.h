// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/context.h"
#include "runtime/host_function.h"
#include "runtime/store_context.h"
#include "runtime/type_registry.h"

namespace wherry::runtime {

// What a host function's FuncRef has in place of a context: one for each import
// of it, so that it knows whose memory it is called with.
struct HostContext {
  abi::StoreContext* store;  // first, as in abi::Context: x64/stubs.S
  const Signature* signature;
  HostFunction::Body body;
  void* data;
  Instance* caller;
  abi::MemoryDescriptor* memory;  // null: none
};

// The reference that a guest calls it by.
abi::FuncRef func_ref(HostContext& context);

}  // namespace wherry::runtime
