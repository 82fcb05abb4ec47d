// SPDX-License-Identifier: Apache-2.0
#include "wasi/imports.h"

#include <span>

#include "wasi/p1/p1.h"
#include "wasi/toolbox/toolbox.h"
#include "wasi/wasmedge/wasmedge.h"

namespace wherry::wasi {
namespace {

constexpr std::string_view kSnapshot = "wasi_snapshot_preview1";
constexpr std::string_view kUnstable = "wasi_unstable";
constexpr std::string_view kToolbox = "wherry_toolbox";
constexpr size_t kMostNamed = 8;  // in an error

// Who provides modules that are not ours, by the beginning of their names.
struct Provider {
  std::string_view module;
  std::string_view name;  // empty: any
  std::string_view what;
};
constexpr Provider kProviders[] = {
    {"wasi", "thread-spawn", "wasi-threads, which is not supported yet"},
    {"env", "memory", "wasi-threads or a program that embeds the module"},
    {"wasi:", "", "WASI 0.2, which is for components"},
    {"wasi_ephemeral_nn", "", "WASI-NN"},
    {"wasi_ephemeral_crypto", "", "WASI-crypto"},
    {"wasi_snapshot_preview2", "", "an early WASI 0.2"},
    {"wasix", "", "WASIX, Wasmer's extension"},
    {"wasmedge_", "", "a plug-in of WasmEdge"},
    {"__wbindgen", "", "JavaScript: wasm-bindgen; build for wasm32-wasip1"},
    {"wbg", "", "JavaScript: wasm-bindgen; build for wasm32-wasip1"},
    {"gojs", "", "JavaScript: Go; build with GOOS=wasip1"},
    {"go", "", "JavaScript: Go; build with GOOS=wasip1"},
    {"spin", "", "Spin"},
    {"wherry_toolbox", "", "Wherry, to its own toolbox alone"},
    {"env", "", "the program that embeds the module, or JavaScript (Emscripten)"},
};

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

std::string provider_of(std::string_view module, std::string_view name) {
  for (const Provider& provider : kProviders) {
    if (starts_with(module, provider.module) && (provider.name.empty() || provider.name == name)) {
      return std::string(provider.what);
    }
  }
  return "unknown here";
}

char letter(wasm::ValType type) { return type == wasm::kI32 ? 'i' : type == wasm::kI64 ? 'I' : '?'; }

bool has_type(const Import& import, const wasm::FuncType& type) {
  const size_t colon = import.type.find(':');
  if (type.params.size() != colon || type.results.size() != import.type.size() - colon - 1) return false;
  for (size_t i = 0; i < type.params.size(); i++) {
    if (letter(type.params[i]) != import.type[i]) return false;
  }
  return type.results.empty() || letter(type.results[0]) == 'i';
}

// The interfaces that a module name stands for, in the order of preference.
std::vector<std::span<const Import>> interfaces_of(std::string_view module, GuestKind kind) {
  if (module == kSnapshot) return {snapshot_preview1_imports(), wasmedge_imports()};
  if (module == kUnstable) return {unstable_imports()};
  if (module == kToolbox && kind == GuestKind::toolbox) return {toolbox_imports()};
  return {};
}

const Import* find(const runtime::ImportType& wanted, GuestKind kind) {
  if (wanted.kind != wasm::ExternKind::func) return nullptr;
  const auto& type = std::get<wasm::FuncType>(wanted.type);
  for (const std::span<const Import> imports : interfaces_of(wanted.module, kind)) {
    for (const Import& import : imports) {
      if (import.name == wanted.name && has_type(import, type)) return &import;
    }
  }
  return nullptr;
}

MissingImport describe_missing(const runtime::ImportType& wanted, GuestKind kind) {
  MissingImport missing{std::string(wanted.module), std::string(wanted.name), provider_of(wanted.module, wanted.name)};
  for (const std::span<const Import> imports : interfaces_of(wanted.module, kind)) {
    for (const Import& import : imports) {
      if (import.name != wanted.name || wanted.kind != wasm::ExternKind::func) continue;
      missing.why = "not with the type " + to_string(std::get<wasm::FuncType>(wanted.type));
    }
  }
  return missing;
}

Error unlinkable(const std::vector<MissingImport>& missing) {
  std::string text = "missing imports: ";
  for (size_t i = 0; i < missing.size(); i++) {
    if (i == kMostNamed) {
      text += " and " + std::to_string(missing.size() - i) + " more";
      break;
    }
    if (i != 0) text += ", ";
    text += "`" + missing[i].module + "." + missing[i].name + "` (" + missing[i].why + ")";
  }
  return error(ErrorKind::unlinkable, text);
}

}  // namespace

std::vector<MissingImport> missing_imports(std::span<const runtime::ImportType> wanted, GuestKind kind) {
  std::vector<MissingImport> missing;
  for (const runtime::ImportType& import : wanted) {
    if (find(import, kind) == nullptr) missing.push_back(describe_missing(import, kind));
  }
  return missing;
}

Result<void> define_imports(const runtime::Artifact& artifact, GuestKind kind, Guest& guest, runtime::Linker& linker, CallTrace* trace) {
  const std::vector<runtime::ImportType> imports = artifact.imports();
  for (const runtime::ImportType& wanted : imports) {
    const Import* const import = find(wanted, kind);
    if (import == nullptr) return unlinkable(missing_imports(imports, kind));
    const auto& type = std::get<wasm::FuncType>(wanted.type);
    if (trace) {
      linker.define(wanted.module, wanted.name, type, &CallTrace::call, trace->add(*import, guest));
    } else {
      linker.define(wanted.module, wanted.name, type, import->body, &guest);
    }
  }
  return {};
}

}  // namespace wherry::wasi
