// SPDX-License-Identifier: Apache-2.0
#include "runtime/artifact.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "runtime/artifact_check.h"
#include "runtime/type_registry.h"

namespace wherry::runtime {
namespace {

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Artifact::Artifact(UniqueFd file, const uint8_t* base, uint64_t size)
    : file_(std::move(file)), base_(base), size_(size), id_(next_id()) {}

Artifact::~Artifact() { munmap(const_cast<uint8_t*>(base_), size_); }

Result<std::unique_ptr<Artifact>> Artifact::map(UniqueFd file, const abi::Key* key) {
  struct stat status;
  if (fstat(file.get(), &status) != 0) return os_error(errno, "artifact");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size < abi::kHeaderOffset + sizeof(abi::Header)) return error(ErrorKind::malformed, "artifact: too short");
  void* const base = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (base == MAP_FAILED) return os_error(errno, "artifact");
  std::unique_ptr<Artifact> artifact(new Artifact(std::move(file), static_cast<const uint8_t*>(base), size));
  TRY(check_artifact({artifact->base_, size}, key));
  TRY(artifact->map_code());
  artifact->register_types();
  return artifact;
}

Result<void> Artifact::map_code() {
  const abi::Range& code = header().code;
  if (code.size == 0) return {};
  auto* const at = const_cast<uint8_t*>(base_) + code.offset;
  if (mmap(at, code.size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, file_.get(),
           static_cast<off_t>(code.offset)) == MAP_FAILED) {
    return os_error(errno, "artifact: code");
  }
  return {};
}

void Artifact::register_types() {
  const auto types = table<abi::TypeEntry>(header().types);
  type_ids_.reserve(types.size());
  for (uint32_t i = 0; i < types.size(); ++i) {
    type_ids_.push_back(TypeRegistry::process().id_of(function_type(i)));
  }
}

std::span<const uint8_t> Artifact::bytes(uint64_t offset, uint64_t size) const {
  if (offset > size_ || size > size_ - offset) return {};
  return {base_ + offset, size};
}

std::string_view Artifact::string(abi::Slice slice) const {
  const abi::Range& strings = header().strings;
  if (slice.offset > strings.size || slice.size > strings.size - slice.offset) return {};
  return {reinterpret_cast<const char*>(base_ + strings.offset + slice.offset), slice.size};
}

std::span<const uint8_t> Artifact::expression(abi::Slice slice) const {
  const abi::Range& all = header().bytes;
  if (slice.offset > all.size || slice.size > all.size - slice.offset) return {};
  return {base_ + all.offset + slice.offset, slice.size};
}

wasm::FuncType Artifact::function_type(uint32_t type_index) const {
  const auto valtypes = table<uint32_t>(header().valtypes);
  const abi::TypeEntry& entry = table<abi::TypeEntry>(header().types)[type_index];
  const auto read = [&](abi::Slice slice) {
    std::vector<wasm::ValType> types;
    for (const uint32_t bits : valtypes.subspan(slice.offset, slice.size)) {
      types.push_back(wasm::ValType::from_bits(bits));
    }
    return types;
  };
  return {read(entry.params), read(entry.results)};
}

namespace {

wasm::Limits limits_of(const abi::LimitsEntry& entry) {
  wasm::Limits limits{entry.min, std::nullopt};
  if (entry.max != ~uint64_t{0}) limits.max = entry.max;
  return limits;
}

wasm::AddressType address_of(const abi::ExternType& type) {
  return type.address64 ? wasm::AddressType::i64 : wasm::AddressType::i32;
}

}  // namespace

wasm::TableType table_type(const abi::ExternType& type) {
  return {wasm::ValType::from_bits(type.value_type), limits_of(type.limits), address_of(type)};
}

wasm::MemoryType memory_type(const abi::ExternType& type) {
  return {limits_of(type.limits), address_of(type), false};
}

wasm::GlobalType global_type(const abi::ExternType& type) {
  return {wasm::ValType::from_bits(type.value_type), type.is_mutable != 0};
}

ExternType Artifact::extern_type(uint32_t kind, const abi::ExternType& type) const {
  switch (kind) {
    case abi::kTable: return {wasm::ExternKind::table, table_type(type)};
    case abi::kMemory: return {wasm::ExternKind::memory, memory_type(type)};
    case abi::kGlobal: return {wasm::ExternKind::global, global_type(type)};
    default:
      return {kind == abi::kFunc ? wasm::ExternKind::func : wasm::ExternKind::tag, function_type(type.type_index),
              type_ids_[type.type_index]};
  }
}

ImportType Artifact::import_type(const abi::ImportEntry& entry) const {
  return {extern_type(entry.kind, entry.type), string(entry.module), string(entry.name)};
}

std::vector<ImportType> Artifact::imports() const {
  std::vector<ImportType> imports;
  for (const abi::ImportEntry& entry : table<abi::ImportEntry>(header().imports)) imports.push_back(import_type(entry));
  return imports;
}

// The type of an item of an index space, be it imported or defined.
abi::ExternType Artifact::item_type(uint32_t kind, uint32_t index) const {
  for (const abi::ImportEntry& entry : table<abi::ImportEntry>(header().imports)) {
    if (entry.kind == kind && entry.index == index) return entry.type;
  }
  const abi::Header& h = header();
  switch (kind) {
    case abi::kTable: return table<abi::TableEntry>(h.tables)[index - h.imported_tables].type;
    case abi::kMemory: return table<abi::MemoryEntry>(h.memories)[index - h.imported_memories].type;
    case abi::kGlobal: return table<abi::GlobalEntry>(h.globals)[index - h.imported_globals].type;
    default: {
      abi::ExternType type{};
      type.type_index = table<uint32_t>(h.function_types)[index];
      return type;
    }
  }
}

std::vector<ExportType> Artifact::exports() const {
  std::vector<ExportType> exports;
  for (const abi::ExportEntry& entry : table<abi::ExportEntry>(header().exports)) {
    exports.push_back({extern_type(entry.kind, item_type(entry.kind, entry.index)), string(entry.name)});
  }
  return exports;
}

std::string_view Artifact::function_name(uint32_t index) const {
  const auto names = table<abi::Slice>(header().names);
  if (index >= names.size()) return {};
  const abi::Range& strings = header().name_strings;
  const abi::Slice name = names[index];
  if (name.offset > strings.size || name.size > strings.size - name.offset) return {};
  return {reinterpret_cast<const char*>(base_ + strings.offset + name.offset), name.size};
}

const void* Artifact::function_entry(uint32_t defined) const {
  return code().data() + table<uint32_t>(header().function_entries)[defined];
}

abi::ContextLayout Artifact::context_layout() const {
  const abi::Header& h = header();
  return abi::ContextLayout({
      .imported_functions = h.imported_functions,
      .globals = h.imported_globals + static_cast<uint32_t>(table<abi::GlobalEntry>(h.globals).size()),
      .memories = h.imported_memories + static_cast<uint32_t>(table<abi::MemoryEntry>(h.memories).size()),
      .tables = h.imported_tables + static_cast<uint32_t>(table<abi::TableEntry>(h.tables).size()),
      .escaping_functions = static_cast<uint32_t>(table<uint32_t>(h.escaping).size()),
  });
}

std::optional<uint32_t> Artifact::escaping_slot(uint32_t function) const {
  const auto escaping = table<uint32_t>(header().escaping);
  const auto at = std::ranges::lower_bound(escaping, function);
  if (at == escaping.end() || *at != function) return std::nullopt;
  return static_cast<uint32_t>(at - escaping.begin());
}

std::optional<Trap> Artifact::trap_at(uint32_t pc) const {
  const auto traps = table<abi::TrapEntry>(header().traps);
  const auto at = std::ranges::lower_bound(traps, pc, {}, &abi::TrapEntry::pc);
  if (at == traps.end() || at->pc != pc) return std::nullopt;
  return static_cast<Trap>(at->trap);
}

std::optional<uint32_t> Artifact::function_at(uint32_t pc) const {
  const auto starts = table<uint32_t>(header().function_starts);
  const auto after = std::ranges::upper_bound(starts, pc);
  if (after == starts.begin() || after == starts.end()) return std::nullopt;
  return header().imported_functions + static_cast<uint32_t>(after - starts.begin() - 1);
}

uint32_t Artifact::wasm_offset_at(uint32_t pc) const {
  const auto lines = table<abi::LineEntry>(header().lines);
  const auto after = std::ranges::upper_bound(lines, pc, {}, &abi::LineEntry::pc);
  return after == lines.begin() ? abi::kNone : std::prev(after)->wasm_offset;
}

}  // namespace wherry::runtime
