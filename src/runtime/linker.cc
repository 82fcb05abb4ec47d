// SPDX-License-Identifier: Apache-2.0
#include "runtime/linker.h"

#include "runtime/artifact.h"
#include "runtime/instance.h"
#include "runtime/memory.h"
#include "runtime/table.h"

namespace wherry::runtime {
namespace {

// spec: match-externtype
bool matches(const Extern& item, const ExternType& wanted) {
  if (const auto* host = std::get_if<HostFunction>(&item)) return host->type_id == wanted.type_id;
  if (const auto* function = std::get_if<Function>(&item)) return function->ref()->type_id == wanted.type_id;
  if (const auto* table = std::get_if<Table*>(&item)) {
    const auto& type = std::get<wasm::TableType>(wanted.type);
    const wasm::TableType& actual = (*table)->type();
    return actual.element == type.element && actual.address == type.address &&
           limits_match((*table)->size(), actual.limits.max, type.limits);
  }
  if (const auto* memory = std::get_if<Memory*>(&item)) {
    const auto& type = std::get<wasm::MemoryType>(wanted.type);
    const wasm::MemoryType& actual = (*memory)->type();
    return actual.address == type.address && actual.shared == type.shared &&
           limits_match((*memory)->size() / wasm::kPageSize, actual.limits.max, type.limits);
  }
  const auto& type = std::get<wasm::GlobalType>(wanted.type);
  const wasm::GlobalType& actual = std::get<Global>(item).type;
  if (actual.is_mutable != type.is_mutable) return false;
  return type.is_mutable ? actual.value == type.value : type_matches(actual.value, type.value);
}

std::string describe(const ImportType& wanted) {
  std::string name = "`" + std::string(wanted.module) + "." + std::string(wanted.name) + "`";
  switch (wanted.kind) {
    case wasm::ExternKind::func: return name + " of type " + to_string(std::get<wasm::FuncType>(wanted.type));
    case wasm::ExternKind::table: return name + ", a table";
    case wasm::ExternKind::memory: return name + ", a memory";
    case wasm::ExternKind::global: return name + ", a global";
    case wasm::ExternKind::tag: return name + ", a tag";
  }
  return name;
}

}  // namespace

void Linker::define(std::string_view module, std::string_view name, Extern item) {
  modules_[std::string(module)][std::string(name)].push_back(std::move(item));
}

void Linker::define(std::string_view module, std::string_view name, const wasm::FuncType& type,
                    HostFunction::Body body, void* data) {
  define(module, name, HostFunction::create(type, body, data));
}

void Linker::define_instance(std::string_view module, Instance& instance) {
  modules_[std::string(module)].clear();
  for (const auto& [name, item] : instance.exports()) define(module, name, item);
}

Result<Extern> Linker::find(const ImportType& wanted) const {
  const auto module = modules_.find(std::string(wanted.module));
  if (module == modules_.end()) return error(ErrorKind::unlinkable, "unknown import " + describe(wanted));
  const auto name = module->second.find(std::string(wanted.name));
  if (name == module->second.end()) return error(ErrorKind::unlinkable, "unknown import " + describe(wanted));
  for (const Extern& item : name->second) {
    if (kind_of(item) == wanted.kind && matches(item, wanted)) return item;
  }
  return error(ErrorKind::unlinkable, "incompatible import type: found another type than wanted for " + describe(wanted));
}

}  // namespace wherry::runtime
