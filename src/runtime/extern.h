// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <variant>

#include "abi/context.h"
#include "abi/trap.h"
#include "base/result.h"
#include "runtime/host_function.h"
#include "runtime/type_registry.h"
#include "wasm/module.h"
#include "wasm/types.h"

namespace wherry::runtime {

class Memory;
class Table;

// A guest's function, or a host function that an instance imported. Lives as
// long as its store.
class Function {
 public:
  explicit Function(const abi::FuncRef* ref) : ref_(ref), signature_(&TypeRegistry::process().signature(ref->type_id)) {}

  const abi::FuncRef* ref() const { return ref_; }
  const Signature& signature() const { return *signature_; }
  const wasm::FuncType& type() const { return signature_->type; }

  // `args` and `results` have the type's lengths. After a trap, Store::fault()
  // tells more. Results of fewer than 64 bits are zero-extended.
  Result<void, Trap> call(std::span<const abi::Value> args, std::span<abi::Value> results) const;

 private:
  const abi::FuncRef* ref_;
  const Signature* signature_;
};

// A global variable; the value lies in an instance's context or in the store.
struct Global {
  wasm::GlobalType type;
  abi::Value* value;
};

// What can be imported and exported.
using Extern = std::variant<HostFunction, Function, Table*, Memory*, Global>;

wasm::ExternKind kind_of(const Extern& item);

// spec: match-limits; `size` is the actual current size.
bool limits_match(uint64_t size, const std::optional<uint64_t>& actual_max, const wasm::Limits& wanted);
// spec: match-valtype, for the types that have no index
bool type_matches(wasm::ValType actual, wasm::ValType wanted);

}  // namespace wherry::runtime
