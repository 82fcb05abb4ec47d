// SPDX-License-Identifier: Apache-2.0
#include "runtime/instance.h"

#include "runtime/const_expr.h"
#include "runtime/guest_call.h"
#include "runtime/host_context.h"
#include "runtime/store.h"

namespace wherry::runtime {
namespace {

template <class T>
T& at(abi::Context* context, uint64_t offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<uint8_t*>(context) + offset);
}

}  // namespace

Instance::Instance(Store& store, const Artifact& artifact)
    : store_(store),
      artifact_(artifact),
      layout_(artifact.context_layout()),
      dropped_datas_(artifact.table<abi::DataEntry>(artifact.header().datas).size()),
      dropped_elems_(artifact.table<abi::ElemEntry>(artifact.header().elems).size()) {}

Instance::~Instance() = default;

Result<Instance*> Instance::link(Store& store, const Artifact& artifact, const Linker& linker) {
  return link_found(store, artifact, TRY(find_imports(artifact, linker)));
}

Result<Instance*> Instance::link_found(Store& store, const Artifact& artifact, std::span<const Extern> imports) {
  CHECK(imports.size() == artifact.table<abi::ImportEntry>(artifact.header().imports).size(), "an item for each import");
  std::unique_ptr<Instance> instance(new Instance(store, artifact));
  instance->allocate_context();
  instance->bind_imports(imports);
  TRY(instance->create_memories());
  instance->bind_functions();
  TRY(instance->create_globals_and_tables());
  Instance* const result = instance.get();
  store.add(std::move(instance));
  return result;
}

Result<std::vector<Extern>> Instance::find_imports(const Artifact& artifact, const Linker& linker) {
  std::vector<Extern> found;
  for (const abi::ImportEntry& entry : artifact.table<abi::ImportEntry>(artifact.header().imports)) {
    if (entry.kind > abi::kGlobal) return error(ErrorKind::unsupported, "imported tags are not supported");
    const ImportType wanted = artifact.import_type(entry);
    found.push_back(TRY(linker.find(wanted)));
    const auto* const memory = std::get_if<Memory*>(&found.back());
    if (memory && !(*memory)->guarded() && !artifact.explicit_bounds_checks()) {
      return error(ErrorKind::unlinkable, "incompatible import type: `" + std::string(wanted.name) +
                                              "` is a memory without guard pages");
    }
  }
  return found;
}

void Instance::allocate_context() {
  constexpr size_t kCacheLine = 64;
  context_memory_ = std::make_unique<uint8_t[]>(layout_.size + kCacheLine - 1);
  const auto start = reinterpret_cast<uintptr_t>(context_memory_.get());
  context_ = reinterpret_cast<abi::Context*>((start + kCacheLine - 1) & ~(kCacheLine - 1));
  context_->store = &store_.context();
  context_->libcall = reinterpret_cast<const void*>(&wherry_libcall);
  context_->type_ids = artifact_.type_ids().data();
  context_->instance = this;
}

void Instance::bind_imports(std::span<const Extern> imports) {
  size_t host_functions = 0;
  for (const Extern& item : imports) host_functions += std::holds_alternative<HostFunction>(item);
  host_contexts_ = std::make_unique<HostContext[]>(host_functions);

  uint32_t function = 0, host_function = 0;
  for (const Extern& item : imports) {
    if (const auto* host = std::get_if<HostFunction>(&item)) {
      HostContext& host_context = host_contexts_[host_function++];
      host_context = {&store_.context(), &TypeRegistry::process().signature(host->type_id), host->body, host->data,
                      this, nullptr};
      at<abi::FuncRef>(context_, layout_.imported_function(wasm::FuncIndex(function++))) = func_ref(host_context);
    } else if (const auto* guest = std::get_if<Function>(&item)) {
      at<abi::FuncRef>(context_, layout_.imported_function(wasm::FuncIndex(function++))) = *guest->ref();
    } else if (const auto* table = std::get_if<Table*>(&item)) {
      add_table(**table);
    } else if (const auto* memory = std::get_if<Memory*>(&item)) {
      add_memory(**memory);
    } else {
      const Global& global = std::get<Global>(item);
      at<abi::Value*>(context_, layout_.global(wasm::GlobalIndex(static_cast<uint32_t>(globals_.size())))) =
          global.value;
      globals_.push_back(global);
    }
  }
  host_context_count_ = host_function;
}

void Instance::add_memory(Memory& memory) {
  const wasm::MemoryIndex index(static_cast<uint32_t>(memories_.size()));
  at<abi::MemoryDescriptor*>(context_, layout_.memory(index)) = memory.descriptor();
  if (memories_.empty()) context_->memory0 = memory.descriptor();
  memories_.push_back(&memory);
}

void Instance::add_table(Table& table) {
  const wasm::TableIndex index(static_cast<uint32_t>(tables_.size()));
  at<abi::TableDescriptor*>(context_, layout_.table(index)) = table.descriptor();
  tables_.push_back(&table);
}

Result<void> Instance::create_memories() {
  const abi::Header& header = artifact_.header();
  const auto checks =
      artifact_.explicit_bounds_checks() ? Memory::Checks::explicit_checks : Memory::Checks::guard_pages;
  for (const abi::MemoryEntry& entry : artifact_.table<abi::MemoryEntry>(header.memories)) {
    const MemoryOrigin origin{&artifact_, static_cast<uint32_t>(memories_.size())};
    add_memory(*TRY(store_.create_memory(memory_type(entry.type), checks, origin)));
  }
  for (uint32_t i = 0; i < host_context_count_; ++i) host_contexts_[i].memory = context_->memory0;
  return {};
}

// The references of the functions that can escape, in the context.
void Instance::bind_functions() {
  const auto escaping = artifact_.table<uint32_t>(artifact_.header().escaping);
  for (uint32_t slot = 0; slot < escaping.size(); ++slot) {
    at<abi::FuncRef>(context_, layout_.func_ref(slot)) = make_ref(escaping[slot]);
  }
}

abi::FuncRef Instance::make_ref(uint32_t index) const {
  const abi::Header& header = artifact_.header();
  if (index < header.imported_functions) {
    return at<abi::FuncRef>(context_, layout_.imported_function(wasm::FuncIndex(index)));
  }
  const uint32_t type = artifact_.table<uint32_t>(header.function_types)[index];
  return {artifact_.function_entry(index - header.imported_functions), context_,
          context_->memory0 ? context_->memory0->base : nullptr, artifact_.type_ids()[type], 0};
}

const abi::FuncRef* Instance::function(uint32_t index) {
  if (index < artifact_.header().imported_functions) {
    return &at<abi::FuncRef>(context_, layout_.imported_function(wasm::FuncIndex(index)));
  }
  if (const auto slot = artifact_.escaping_slot(index)) return &at<abi::FuncRef>(context_, layout_.func_ref(*slot));
  const auto [ref, is_new] = other_refs_.try_emplace(index);
  if (is_new) ref->second = make_ref(index);
  return &ref->second;
}

Result<void> Instance::create_globals_and_tables() {
  const abi::Header& header = artifact_.header();
  for (const abi::GlobalEntry& entry : artifact_.table<abi::GlobalEntry>(header.globals)) {
    const wasm::GlobalIndex index(static_cast<uint32_t>(globals_.size()));
    auto& value = at<abi::Value>(context_, layout_.global(index));
    value = evaluate(*this, artifact_.expression(entry.init));
    globals_.push_back({global_type(entry.type), &value});
  }
  for (const abi::TableEntry& entry : artifact_.table<abi::TableEntry>(header.tables)) {
    if (entry.is_static) {
      add_table(*TRY(store_.create_static_table(table_type(entry.type))));
      continue;
    }
    void* const initial = entry.init.size ? evaluate(*this, artifact_.expression(entry.init)).ref : nullptr;
    add_table(*TRY(store_.create_table(table_type(entry.type), initial)));
  }
  return {};
}

Extern Instance::item(uint32_t kind, uint32_t index) {
  switch (kind) {
    case abi::kTable: return tables_[index];
    case abi::kMemory: return memories_[index];
    case abi::kGlobal: return globals_[index];
    default: return Function(function(index));
  }
}

std::optional<Extern> Instance::exported(std::string_view name) {
  for (const abi::ExportEntry& entry : artifact_.table<abi::ExportEntry>(artifact_.header().exports)) {
    if (artifact_.string(entry.name) == name) return item(entry.kind, entry.index);
  }
  return std::nullopt;
}

std::optional<Function> Instance::exported_function(std::string_view name) {
  const std::optional<Extern> found = exported(name);
  const Function* const function = found ? std::get_if<Function>(&*found) : nullptr;
  return function ? std::optional(*function) : std::nullopt;
}

Memory* Instance::exported_memory(std::string_view name) {
  const std::optional<Extern> found = exported(name);
  Memory* const* const memory = found ? std::get_if<Memory*>(&*found) : nullptr;
  return memory ? *memory : nullptr;
}

std::vector<std::pair<std::string_view, Extern>> Instance::exports() {
  std::vector<std::pair<std::string_view, Extern>> all;
  for (const abi::ExportEntry& entry : artifact_.table<abi::ExportEntry>(artifact_.header().exports)) {
    all.emplace_back(artifact_.string(entry.name), item(entry.kind, entry.index));
  }
  return all;
}

}  // namespace wherry::runtime
