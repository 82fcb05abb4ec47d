// SPDX-License-Identifier: Apache-2.0
#include "cli/inspect/host_imports.h"

#include <span>
#include <vector>

#include "wasi/p1/p1.h"
#include "wasi/wasmedge/wasmedge.h"

namespace wherry::cli {
namespace {

constexpr std::string_view kSnapshot = "wasi_snapshot_preview1", kUnstable = "wasi_unstable";

std::vector<std::span<const wasi::Import>> tables_of(std::string_view module) {
  if (module == kSnapshot) return {wasi::snapshot_preview1_imports(), wasi::wasmedge_imports()};
  if (module == kUnstable) return {wasi::unstable_imports()};
  return {};
}

// In the notation of wasi::Import; '?' for what no host function takes.
char letter_of(wasm::ValType type) {
  switch (type.kind()) {
    case wasm::ValType::Kind::i32: return 'i';
    case wasm::ValType::Kind::i64: return 'I';
    default: return '?';
  }
}

std::string notation_of(const wasm::FuncType& type) {
  std::string text;
  for (const wasm::ValType param : type.params) text += letter_of(param);
  text += ':';
  for (const wasm::ValType result : type.results) text += letter_of(result);
  return text;
}

// What an interface is whose name the ecosystem knows.
const char* meaning_of(std::string_view module) {
  constexpr struct {
    std::string_view prefix;
    const char* meaning;
  } kKnown[] = {
      {"wasi:", "WASI 0.2 and later need the component model"},
      {"wasi_nn", "the host has no wasi-nn"},
      {"wasi_ephemeral", "the host has no interface of WASI's drafts"},
      {"wasi", "the host has no wasi-threads"},
      {"wasmedge_", "the host has none of WasmEdge's plug-ins"},
      {"wbg", "it was made for a web page (wasm-bindgen)"},
      {"__wbindgen", "it was made for a web page (wasm-bindgen)"},
      {"gojs", "it was made for a web page (GOOS=js)"},
  };
  for (const auto& known : kKnown)
    if (module.starts_with(known.prefix)) return known.meaning;
  return "the host has no such module";
}

}  // namespace

std::string missing_function(std::string_view module, std::string_view name, const wasm::FuncType& type) {
  const auto tables = tables_of(module);
  if (tables.empty()) return meaning_of(module);
  const std::string wanted = notation_of(type);
  bool other_type = false;
  for (const std::span<const wasi::Import> table : tables) {
    for (const wasi::Import& import : table) {
      if (import.name != name) continue;
      if (import.type == wanted) return "";
      other_type = true;
    }
  }
  return other_type ? "the host has it with another type" : "the host has no such function";
}

}  // namespace wherry::cli
