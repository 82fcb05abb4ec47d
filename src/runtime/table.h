// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "abi/context.h"
#include "abi/trap.h"
#include "base/result.h"
#include "wasm/types.h"

namespace wherry::runtime {

// A table of references. The range of its largest size is reserved on creation,
// so the elements never move. Owned by a Store.
//
// spec: syntax-tableinst
class Table {
 public:
  static Result<std::unique_ptr<Table>> create(const wasm::TableType& type, void* initial);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const wasm::TableType& type() const { return type_; }
  uint64_t size() const { return descriptor_.length; }
  std::span<void*> elements() const { return {descriptor_.elements, descriptor_.length}; }
  abi::TableDescriptor* descriptor() { return &descriptor_; }

  // The old size, or nothing if the type, kMaxTableSize or the host refuses.
  // spec: exec-table.grow
  std::optional<uint64_t> grow(uint64_t delta, void* initial);
  // The elements [index, index + count), or Trap::table_out_of_bounds.
  Result<std::span<void*>, Trap> slice(uint64_t index, uint64_t count) const;

 private:
  Table(const wasm::TableType& type, void** elements, uint64_t capacity)
      : type_(type), capacity_(capacity), descriptor_{elements, 0} {}

  const wasm::TableType type_;
  const uint64_t capacity_;  // in elements
  abi::TableDescriptor descriptor_;
};

}  // namespace wherry::runtime
