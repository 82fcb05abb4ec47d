// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "abi/artifact.h"
#include "abi/context.h"
#include "abi/trap.h"
#include "base/fd.h"
#include "base/result.h"
#include "wasm/module.h"

namespace wherry::runtime {

wasm::TableType table_type(const abi::ExternType& type);
wasm::MemoryType memory_type(const abi::ExternType& type);
wasm::GlobalType global_type(const abi::ExternType& type);

// What a module wants from outside or offers, with its type in full. Views point
// into the artifact.
struct ExternType {
  wasm::ExternKind kind;
  std::variant<wasm::FuncType, wasm::TableType, wasm::MemoryType, wasm::GlobalType> type;  // by ExternKind
  uint32_t type_id = 0;  // of a function, see TypeRegistry
};
struct ImportType : ExternType {
  std::string_view module;
  std::string_view name;
};
struct ExportType : ExternType {
  std::string_view name;
};

// A compiled module, mapped from its file and shared with all who map it. Code
// is readable and executable, all else is read-only, nothing is ever writable.
// Loading does nothing for each function or byte.
//
// Immutable, for any thread; outlives the stores that use it. Who made the file
// is the caller's business (engine::Cache): a file that is not our own
// compiler's must never get here.
class Artifact {
 public:
  // Checks the header, its checksum, that every range lies in the file, and the
  // key if one is expected.
  static Result<std::unique_ptr<Artifact>> map(UniqueFd file, const abi::Key* key = nullptr);
  ~Artifact();
  Artifact(const Artifact&) = delete;
  Artifact& operator=(const Artifact&) = delete;

  const abi::Header& header() const { return *reinterpret_cast<const abi::Header*>(base_ + abi::kHeaderOffset); }
  // Of no other artifact of this process, now or later.
  uint64_t id() const { return id_; }
  int file() const { return file_.get(); }
  bool explicit_bounds_checks() const { return header().flags & abi::kExplicitBoundsChecks; }

  std::vector<ImportType> imports() const;
  std::vector<ExportType> exports() const;
  // Of a function by its index, imported ones included; empty without a name.
  std::string_view function_name(uint32_t index) const;

  // The rest is for this folder.

  template <class T>
  std::span<const T> table(const abi::Range& range) const {
    return {reinterpret_cast<const T*>(base_ + range.offset), range.size / sizeof(T)};
  }
  std::span<const uint8_t> bytes(uint64_t offset, uint64_t size) const;  // empty if not in the file
  std::string_view string(abi::Slice slice) const;
  std::span<const uint8_t> expression(abi::Slice slice) const;
  wasm::FuncType function_type(uint32_t type_index) const;
  ImportType import_type(const abi::ImportEntry& entry) const;

  std::span<const uint8_t> code() const { return {base_ + header().code.offset, header().code.size}; }
  const void* function_entry(uint32_t defined) const;
  // Canonical ids by TypeIndex.
  std::span<const uint32_t> type_ids() const { return type_ids_; }
  abi::ContextLayout context_layout() const;
  // Of `function` in `escaping`, if it is there.
  std::optional<uint32_t> escaping_slot(uint32_t function) const;

  // By an offset in the code; async-signal-safe.
  std::optional<Trap> trap_at(uint32_t pc) const;
  std::optional<uint32_t> function_at(uint32_t pc) const;  // index with imported ones
  uint32_t wasm_offset_at(uint32_t pc) const;              // abi::kNone if unknown

 private:
  Artifact(UniqueFd file, const uint8_t* base, uint64_t size);
  Result<void> map_code();
  void register_types();
  ExternType extern_type(uint32_t kind, const abi::ExternType& type) const;
  abi::ExternType item_type(uint32_t kind, uint32_t index) const;

  const UniqueFd file_;
  const uint8_t* const base_;
  const uint64_t size_;
  const uint64_t id_;
  std::vector<uint32_t> type_ids_;
};

}  // namespace wherry::runtime
