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

// A table of references. A small one has room for its largest size, a larger one
// reserves the range of it, so the elements never move. Owned by a Store.
//
// spec: syntax-tableinst
class Table {
 public:
  static Result<std::unique_ptr<Table>> create(const wasm::TableType& type, void* initial);
  // One that only compiled code's own copy is read of (abi::TableEntry::is_static):
  // a size without elements.
  static Result<std::unique_ptr<Table>> create_static(const wasm::TableType& type);
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
  enum class Storage : uint8_t { none, heap, mapped };

  Table(const wasm::TableType& type, Storage storage, void** elements, uint64_t capacity)
      : type_(type), storage_(storage), capacity_(capacity), descriptor_{elements, 0} {}
  static Result<void> check(const wasm::TableType& type);

  const wasm::TableType type_;
  const Storage storage_;
  const uint64_t capacity_;  // in elements
  abi::TableDescriptor descriptor_;
};

}  // namespace wherry::runtime
