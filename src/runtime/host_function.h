// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "abi/context.h"
#include "abi/trap.h"
#include "base/result.h"
#include "wasm/types.h"

namespace wherry::runtime {

class Instance;
class Store;
struct HostContext;

// One call of a host function by a guest. References to guest memory are valid
// until the guest next runs (also by a call from this host function).
class HostCall {
 public:
  HostCall(const HostContext& context, std::span<const abi::Value> args, std::span<abi::Value> results)
      : args(args), results(results), context_(context) {}

  const std::span<const abi::Value> args;
  const std::span<abi::Value> results;  // to be set when the function succeeds

  Store& store() const;
  // The instance that imports the function; null if the host called it.
  Instance* caller() const;
  // The caller's memory 0, empty if it has none.
  std::span<uint8_t> memory() const;
  // The bytes [address, address + length) of it, or Trap::memory_out_of_bounds.
  Result<std::span<uint8_t>, Trap> slice(uint64_t address, uint64_t length) const;

 private:
  const HostContext& context_;
};

// A function of the host as a guest can import it. Runs on the host's own stack;
// may call guest functions. A Trap ends the guest's call.
struct HostFunction {
  using Body = Result<void, Trap> (*)(void* data, HostCall& call);

  uint32_t type_id;  // TypeRegistry
  Body body;
  void* data;  // outlives the store

  static HostFunction create(const wasm::FuncType& type, Body body, void* data);
};

}  // namespace wherry::runtime
