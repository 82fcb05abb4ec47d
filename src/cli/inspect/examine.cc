// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/inspect/component.h"
#include "cli/inspect/module_report.h"
#include "cli/inspect/used_features.h"
#include "decode/decode.h"
#include "decode/names.h"
#include "wasi/imports.h"

namespace wherry::cli {
namespace {

using wasm::ExternKind;

std::string to_string(const wasm::Limits& limits, const char* unit) {
  std::string text = std::to_string(limits.min);
  if (!limits.max) {
    text += " or more";
  } else if (*limits.max != limits.min) {
    text += " to " + std::to_string(*limits.max);
  }
  return text + " " + unit;
}

std::string to_string(const wasm::MemoryType& memory) {
  return std::string(memory.shared ? "shared " : "") + (memory.address == wasm::AddressType::i64 ? "64-bit " : "") +
         "memory, " + to_string(memory.limits, "pages");
}

std::string to_string(const wasm::TableType& table) {
  return "table of " + wasm::to_string(table.element) + ", " + to_string(table.limits, "elements");
}

std::string to_string(const wasm::GlobalType& global) {
  return std::string(global.is_mutable ? "mutable " : "") + "global " + wasm::to_string(global.value);
}

// Decoding leaves indices to validation, which is not ours; those that are
// followed here must lead somewhere.
Result<void> check_indices(const wasm::Module& module) {
  const auto known_type = [&](wasm::TypeIndex type) { return type.value < module.types.size(); };
  const bool types = std::ranges::all_of(module.functions, known_type) && std::ranges::all_of(module.tags, known_type);
  if (!types) return error(ErrorKind::invalid, "unknown type of a function or tag");
  const auto size_of = [&](ExternKind kind) -> size_t {
    switch (kind) {
      case ExternKind::func:
        return module.functions.size();
      case ExternKind::table:
        return module.tables.size();
      case ExternKind::memory:
        return module.memories.size();
      case ExternKind::global:
        return module.globals.size();
      case ExternKind::tag:
        return module.tags.size();
    }
    return 0;
  };
  for (const wasm::Export& exported : module.exports)
    if (exported.index >= size_of(exported.kind))
      return error(ErrorKind::invalid, "export of an unknown index " + std::to_string(exported.index));
  return {};
}

class Examination {
 public:
  explicit Examination(const wasm::Module& module) : module_(module) {}

  Result<ModuleReport> run() {
    sizes();
    report_.name = decode::names(module_).module;
    report_.functions = module_.code.size();
    for (const wasm::Import& import : module_.imports) add_import(import);
    for (const wasm::Export& exported : module_.exports)
      report_.exports.push_back({std::string(exported.name), type_of(exported.kind, exported.index), ""});
    for (const wasm::MemoryType& memory : module_.memories) report_.memories.push_back(to_string(memory));
    for (const wasm::Table& table : module_.tables) report_.tables.push_back(to_string(table.type));
    report_.features = TRY(used_features(module_));
    missing();
    return std::move(report_);
  }

 private:
  void sizes() {
    report_.sizes.file = module_.binary.size();
    for (const wasm::Code& code : module_.code) report_.sizes.code += code.body.bytes.size();
    for (const wasm::Data& data : module_.datas) report_.sizes.data += data.init.bytes.size();
    for (const wasm::CustomSection& custom : module_.customs) report_.sizes.custom += custom.content.bytes.size();
  }

  std::string type_of(ExternKind kind, uint32_t index) const {
    switch (kind) {
      case ExternKind::func:
        return "func " + wasm::to_string(module_.type_of(wasm::FuncIndex(index)));
      case ExternKind::table:
        return to_string(module_.tables[index].type);
      case ExternKind::memory:
        return to_string(module_.memories[index]);
      case ExternKind::global:
        return to_string(module_.globals[index].type);
      case ExternKind::tag:
        return "tag " + wasm::to_string(module_.types[module_.tags[index].value]);
    }
    return "";
  }

  std::string type_of(const wasm::Import& import) const {
    switch (import.kind()) {
      case ExternKind::func:
        return "func " + wasm::to_string(function_type(import));
      case ExternKind::table:
        return to_string(std::get<wasm::TableType>(import.type));
      case ExternKind::memory:
        return to_string(std::get<wasm::MemoryType>(import.type));
      case ExternKind::global:
        return to_string(std::get<wasm::GlobalType>(import.type));
      case ExternKind::tag:
        return "tag " + wasm::to_string(function_type(import));
    }
    return "";
  }
  const wasm::FuncType& function_type(const wasm::Import& import) const {
    return module_.types[std::get<wasm::TypeIndex>(import.type).value];
  }

  std::string missing_reason(const wasm::Import& import) const {
    runtime::ImportType wanted;
    wanted.kind = import.kind();
    wanted.module = import.module;
    wanted.name = import.name;
    if (wanted.kind == ExternKind::func) wanted.type = function_type(import);
    const auto missing = wasi::missing_imports(std::span(&wanted, 1));
    return missing.empty() ? "" : missing[0].why;
  }

  void add_import(const wasm::Import& import) {
    const auto same = [&](const ModuleReport::Interface& interface) { return interface.module == import.module; };
    auto at = std::find_if(report_.imports.begin(), report_.imports.end(), same);
    if (at == report_.imports.end()) at = report_.imports.insert(at, {std::string(import.module), {}});
    at->items.push_back({std::string(import.name), type_of(import), missing_reason(import)});
  }

  void missing() {
    for (size_t i = 0; i < wasm::kFeatureCount; ++i) {
      const auto feature = static_cast<wasm::Feature>(i);
      if (report_.features.contains(feature) && !wasm::FeatureSet::defaults().contains(feature))
        report_.missing.push_back("feature " + std::string(wasm::info(feature).flag) + ": " +
                                  std::string(wasm::info(feature).text));
    }
    for (const ModuleReport::Interface& interface : report_.imports)
      for (const ModuleReport::Item& item : interface.items)
        if (!item.missing.empty())
          report_.missing.push_back("import " + interface.module + " " + item.name + ": " + item.missing);
  }

  const wasm::Module& module_;
  ModuleReport report_;
};

ModuleReport examine_component(std::span<const uint8_t> binary) {
  ModuleReport report;
  report.component = true;
  report.sizes.file = binary.size();
  ComponentNames names = component_names(binary);
  for (std::string& name : names.imports) report.imports.push_back({std::move(name), {}});
  for (std::string& name : names.exports) report.exports.push_back({std::move(name), "component export", ""});
  report.missing.push_back("component model: only core modules can be run, not components");
  return report;
}

}  // namespace

Result<ModuleReport> examine(std::span<const uint8_t> binary) {
  if (is_component(binary)) return examine_component(binary);
  const wasm::Module module = TRY(decode::decode(binary, wasm::FeatureSet::all()));
  TRY(check_indices(module));
  return Examination(module).run();
}

}  // namespace wherry::cli
