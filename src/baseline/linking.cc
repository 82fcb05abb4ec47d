// SPDX-License-Identifier: Apache-2.0
#include "baseline/linking.h"

#include <cstring>

#include "baseline/x64/stubs.h"

namespace wherry::baseline {
namespace {

// A rel32 reaches no further.
constexpr uint64_t kMaxCode = 1u << 30;

struct StaticEntry {
  uint32_t type;  // canonical; abi::kNone: null
  int32_t code;   // from the table's start
};

class Linker {
 public:
  Linker(const Environment& env, CompiledModule& module) : env_(env), module_(module) {}

  Result<void> run() {
    TRY(place_functions());
    place_tables();
    resolve();
    return {};
  }

 private:
  Result<void> place_functions();
  void place_tables();
  int64_t code_of(uint32_t function);
  void resolve();

  const Environment& env_;
  CompiledModule& module_;
  std::vector<uint64_t> bases_;   // of the chunks
  std::vector<uint64_t> tables_;  // static ones
  uint64_t tail_ = 0;
};

Result<void> Linker::place_functions() {
  abi::CompiledCode& code = module_.code;
  uint64_t at = 0;
  for (const CodeChunk& chunk : module_.chunks) {
    bases_.push_back(at);
    const auto base = static_cast<uint32_t>(at);
    for (const ChunkFunction& f : chunk.functions) {
      code.starts.push_back(base + f.start);
      code.entries.push_back(base + f.entry);
    }
    for (const abi::TrapEntry& trap : chunk.traps) code.traps.push_back({base + trap.pc, trap.trap});
    for (const abi::LineEntry& line : chunk.lines) code.lines.push_back({base + line.pc, line.wasm_offset});
    code.pieces.push_back(chunk.code);
    at += chunk.code.size();
    if (at > kMaxCode) return error(ErrorKind::exhausted, "the module's code is too large");
  }
  tail_ = at;
  code.functions_end = static_cast<uint32_t>(at);
  return {};
}

// Of an imported function: a stub that calls it as an imported one is called.
int64_t Linker::code_of(uint32_t function) {
  if (function >= env_.module.imported_functions) return module_.code.entries[function - env_.module.imported_functions];
  const uint64_t at = tail_ + module_.tail.size();
  x64::append_import_stub(module_.tail, static_cast<uint32_t>(env_.layout.imported_function(wasm::FuncIndex(function))));
  return static_cast<int64_t>(at);
}

void Linker::place_tables() {
  tables_.resize(env_.static_tables.size());
  for (size_t i = 0; i < tables_.size(); ++i) {
    const StaticTable& table = env_.static_tables[i];
    if (!table.is_static) continue;
    std::vector<int64_t> codes;
    for (const uint32_t function : table.functions) codes.push_back(function == abi::kNone ? 0 : code_of(function));
    module_.tail.resize((module_.tail.size() + 7) & ~size_t{7});
    tables_[i] = tail_ + module_.tail.size();
    for (size_t j = 0; j < codes.size(); ++j) {
      StaticEntry entry{abi::kNone, 0};
      const uint32_t function = table.functions[j];
      if (function != abi::kNone)
        entry = {env_.canonical[env_.module.functions[function].value], static_cast<int32_t>(codes[j] - static_cast<int64_t>(tables_[i]))};
      const auto* const bytes = reinterpret_cast<const uint8_t*>(&entry);
      module_.tail.insert(module_.tail.end(), bytes, bytes + sizeof entry);
    }
  }
  module_.code.pieces.push_back(module_.tail);
  module_.code_size = tail_ + module_.tail.size();
}

void Linker::resolve() {
  const uint32_t imported = env_.module.imported_functions;
  for (size_t i = 0; i < module_.chunks.size(); ++i) {
    CodeChunk& chunk = module_.chunks[i];
    for (const Fixup& fixup : chunk.fixups) {
      const uint64_t target = fixup.kind == Fixup::Kind::function ? module_.code.entries[fixup.target - imported]
                                                                  : tables_[fixup.target];
      const auto distance = static_cast<int32_t>(target - (bases_[i] + fixup.position + 4));
      std::memcpy(&chunk.code[fixup.position], &distance, sizeof distance);
    }
    chunk.fixups = {};
    chunk.traps = {};
    chunk.lines = {};
  }
}

}  // namespace

Result<void> link(const Environment& environment, CompiledModule& module) { return Linker(environment, module).run(); }

}  // namespace wherry::baseline
