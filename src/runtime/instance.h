// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "abi/context.h"
#include "abi/trap.h"
#include "base/result.h"
#include "runtime/artifact.h"
#include "runtime/extern.h"
#include "runtime/linker.h"

namespace wherry::runtime {

class Store;

// A module with its memories, tables, globals and imports. Made in two steps, as
// the specification has it: link() fails without any effect on others;
// initialize() writes segments and runs the start function, and what it did
// before a trap stays. Owned by the store, which it never leaves.
//
// spec: exec-instantiation
class Instance {
 public:
  // Errors: unlinkable (an import is unknown or of another type), exhausted
  // (a memory or table is larger than the store allows).
  static Result<Instance*> link(Store& store, const Artifact& artifact, const Linker& linker);
  // The same in two steps, so that many instances are linked with one search. Items
  // of a store fit instances of that store only.
  static Result<std::vector<Extern>> find_imports(const Artifact& artifact, const Linker& linker);
  static Result<Instance*> link_found(Store& store, const Artifact& artifact, std::span<const Extern> imports);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Active segments, then the start function.
  Result<void, Trap> initialize();

  const Artifact& artifact() const { return artifact_; }
  Store& store() const { return store_; }

  std::optional<Extern> exported(std::string_view name);
  std::optional<Function> exported_function(std::string_view name);
  Memory* exported_memory(std::string_view name);
  // The export names and what they stand for, in the module's order.
  std::vector<std::pair<std::string_view, Extern>> exports();

  // The rest is for this folder: what libcalls and segments work on, by index.

  abi::Context* context() const { return context_; }
  Memory& memory(uint32_t index) const { return *memories_[index]; }
  Table& table(uint32_t index) const { return *tables_[index]; }
  size_t memory_count() const { return memories_.size(); }
  const Global& global(uint32_t index) const { return globals_[index]; }
  // Makes the reference if the function has none yet.
  const abi::FuncRef* function(uint32_t index);
  Result<void, Trap> memory_init(uint32_t segment, uint32_t memory, uint64_t to, uint64_t from, uint64_t size);
  Result<void, Trap> table_init(uint32_t segment, uint32_t table, uint64_t to, uint64_t from, uint64_t count);
  // For the list of Store::code_at.
  void publish_code(std::atomic<const Instance*>& list) {
    next_code_ = list.load();
    list.store(this, std::memory_order_release);
  }
  const Instance* next_code() const { return next_code_; }
  void drop_data(uint32_t segment) { dropped_datas_[segment] = true; }
  void drop_elem(uint32_t segment) { dropped_elems_[segment] = true; }

 private:
  Instance(Store& store, const Artifact& artifact);

  void allocate_context();
  void bind_imports(std::span<const Extern> imports);
  void add_memory(Memory& memory);
  void add_table(Table& table);
  Result<void> create_memories();
  void bind_functions();
  Result<void> create_globals_and_tables();
  abi::FuncRef make_ref(uint32_t index) const;
  Extern item(uint32_t kind, uint32_t index);
  bool is_static(uint32_t table) const;
  Result<void, Trap> run_elems();
  Result<void, Trap> run_datas();

  Store& store_;
  const Artifact& artifact_;
  const abi::ContextLayout layout_;
  std::unique_ptr<uint8_t[]> context_memory_;
  abi::Context* context_ = nullptr;
  std::unique_ptr<HostContext[]> host_contexts_;  // of the imported host functions
  uint32_t host_context_count_ = 0;
  std::vector<Memory*> memories_;
  std::vector<Table*> tables_;
  std::vector<Global> globals_;
  std::map<uint32_t, abi::FuncRef> other_refs_;  // by function, made on demand
  std::vector<bool> dropped_datas_;
  std::vector<bool> dropped_elems_;
  const Instance* next_code_ = nullptr;
};

}  // namespace wherry::runtime
