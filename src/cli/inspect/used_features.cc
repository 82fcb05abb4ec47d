// SPDX-License-Identifier: Apache-2.0
#include "cli/inspect/used_features.h"

#include "wasm/code_reader.h"

namespace wherry::cli {
namespace {

using wasm::Feature;
using wasm::Opcode;

class Survey {
 public:
  explicit Survey(const wasm::Module& module) : module_(module) {}

  Result<wasm::FeatureSet> run() {
    types();
    definitions();
    for (const wasm::Global& global : module_.globals) TRY(constant(global.init));
    for (const wasm::Elem& elem : module_.elems) TRY(element(elem));
    for (const wasm::Data& data : module_.datas) TRY(segment(data));
    for (const wasm::Code& code : module_.code) TRY(body(code));
    return used_;
  }

 private:
  void add(Feature feature) {
    if (feature != Feature::mvp) used_.add(feature);
  }
  void add(wasm::ValType type) { add(wasm::feature_of(type)); }

  void types() {
    for (const wasm::FuncType& type : module_.types) {
      if (type.results.size() > 1) add(Feature::multi_value);
      for (const wasm::ValType param : type.params) add(param);
      for (const wasm::ValType result : type.results) add(result);
    }
  }

  void definitions() {
    if (module_.memories.size() > 1) add(Feature::multi_memory);
    for (const wasm::MemoryType& memory : module_.memories) {
      if (memory.shared) add(Feature::threads);
      if (memory.address == wasm::AddressType::i64) add(Feature::memory64);
    }
    if (module_.tables.size() > 1) add(Feature::reference_types);
    for (const wasm::Table& table : module_.tables) {
      if (table.type.element != wasm::kFuncref) add(table.type.element);
      if (table.type.address == wasm::AddressType::i64) add(Feature::memory64);
      if (table.init) add(Feature::function_references);
    }
    if (!module_.tags.empty()) add(Feature::exceptions);
    if (module_.data_count) add(Feature::bulk_memory);
    for (size_t i = 0; i < module_.globals.size(); ++i) {
      add(module_.globals[i].type.value);
      if (i < module_.imported_globals && module_.globals[i].type.is_mutable) add(Feature::mutable_globals);
    }
    for (const wasm::Export& exported : module_.exports)
      if (exported.kind == wasm::ExternKind::global && module_.globals[exported.index].type.is_mutable)
        add(Feature::mutable_globals);
  }

  Result<void> element(const wasm::Elem& elem) {
    if (elem.mode != wasm::Elem::Mode::active) add(Feature::bulk_memory);
    for (const wasm::ConstExpr& expression : elem.expressions) TRY(constant(expression));
    return elem.mode == wasm::Elem::Mode::active ? constant(elem.offset) : Result<void>();
  }

  Result<void> segment(const wasm::Data& data) {
    if (!data.active) add(Feature::bulk_memory);
    return data.active ? constant(data.offset) : Result<void>();
  }

  Result<void> constant(const wasm::ConstExpr& expression) {
    wasm::CodeReader reader(expression);
    wasm::Instruction in;
    while (!reader.at_end()) {
      if (!reader.next(in)) return reader.failure();
      add(wasm::info(in.op).feature);
      switch (in.op) {
        case Opcode::i32_add:
        case Opcode::i32_sub:
        case Opcode::i32_mul:
        case Opcode::i64_add:
        case Opcode::i64_sub:
        case Opcode::i64_mul:
          add(Feature::extended_const);
          break;
        default:
          break;
      }
    }
    return {};
  }

  Result<void> body(const wasm::Code& code) {
    for (const wasm::Code::Locals& locals : code.locals) add(locals.type);
    wasm::CodeReader reader(code.body);
    wasm::Instruction in;
    while (!reader.at_end()) {
      if (!reader.next(in)) return reader.failure();
      const wasm::OpcodeInfo& info = wasm::info(in.op);
      add(info.feature);
      if (info.immediate == wasm::Immediate::block_type) block(in.block);
    }
    return {};
  }

  void block(wasm::BlockType type) {
    if (type.kind == wasm::BlockType::Kind::value) add(type.value());
    if (type.kind == wasm::BlockType::Kind::function) add(Feature::multi_value);
  }

  const wasm::Module& module_;
  wasm::FeatureSet used_;
};

}  // namespace

Result<wasm::FeatureSet> used_features(const wasm::Module& module) { return Survey(module).run(); }

}  // namespace wherry::cli
