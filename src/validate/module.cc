// SPDX-License-Identifier: Apache-2.0
#include <unordered_set>

#include "validate/function_body.h"
#include "validate/validate.h"
#include "wasm/limits.h"

namespace wherry::validate {
namespace {

using wasm::Feature;

enum Section : size_t { kFunctionSection = 3, kTableSection = 4, kMemorySection = 5, kStartSection = 8, kElemSection = 9 };

// Everything of a module but its function bodies. The order is the binary's.
class ModuleValidator {
 public:
  ModuleValidator(ModuleContext& context) : context_(context), module_(context.module), body_(context) {}

  Result<void> validate() {
    TRY(functions());
    TRY(tables_and_memories());
    TRY(declare_functions());
    TRY(globals());
    TRY(tables_inits());
    TRY(exports());
    TRY(start());
    TRY(elems());
    return datas();
  }

 private:
  Result<void> functions();
  Result<void> tables_and_memories();
  Result<void> declare_functions();
  Result<void> declare_in(const wasm::ConstExpr& expr);
  Result<void> globals();
  Result<void> tables_inits();
  Result<void> exports();
  Result<void> start();
  Result<void> elem(const wasm::Elem& elem);
  Result<void> elems();
  Result<void> datas();

  // Where a section begins, for what has no better place.
  uint64_t at(Section section) const { return module_.section_offsets[section]; }

  Result<void> constant(const wasm::ConstExpr& expr, wasm::ValType type) {
    return body_.constant(expr, type, static_cast<uint32_t>(module_.globals.size()));
  }
  void declare(uint32_t function) {
    if (function < context_.declared_functions.size()) context_.declared_functions[function] = true;
  }

  ModuleContext& context_;
  const wasm::Module& module_;
  FunctionBody body_;
};

Error invalid(std::string what, uint64_t offset) { return error(ErrorKind::invalid, std::move(what), offset); }

Error unknown(const char* what, uint32_t index, uint64_t offset) {
  return invalid("unknown " + std::string(what) + " " + std::to_string(index), offset);
}

Result<void> ModuleValidator::functions() {
  for (const wasm::TypeIndex type : std::span(module_.functions).subspan(module_.imported_functions))
    if (type.value >= module_.types.size()) return unknown("type", type.value, at(kFunctionSection));
  for (const wasm::Import& import : module_.imports) {
    const auto* const type = std::get_if<wasm::TypeIndex>(&import.type);
    if (type && type->value >= module_.types.size()) return unknown("type", type->value, import.offset);
    const auto* const global = std::get_if<wasm::GlobalType>(&import.type);
    if (global && global->is_mutable && !context_.features.contains(Feature::mutable_globals))
      return wasm::unsupported_feature(Feature::mutable_globals, import.offset);
  }
  return {};
}

// spec: valid-limits
Result<void> check_limits(const wasm::Limits& limits, uint64_t offset) {
  if (limits.max && *limits.max < limits.min) return invalid("size minimum must not be greater than maximum", offset);
  return {};
}

// spec: valid-tabletype, valid-memtype
Result<void> ModuleValidator::tables_and_memories() {
  static constexpr uint64_t kMaxPages32 = 65'536;
  for (const wasm::Table& table : module_.tables) {
    TRY(check_limits(table.type.limits, at(kTableSection)));
    if (table.type.limits.min > UINT32_MAX || table.type.limits.max.value_or(0) > UINT32_MAX)
      return invalid("table size must be at most 4294967295", at(kTableSection));
  }
  for (const wasm::MemoryType& memory : module_.memories) {
    if (memory.limits.min > kMaxPages32 || memory.limits.max.value_or(0) > kMaxPages32)
      return invalid("memory size must be at most 65536 pages (4GiB)", at(kMemorySection));
    TRY(check_limits(memory.limits, at(kMemorySection)));
  }
  if (module_.memories.size() > 1 && !context_.features.contains(Feature::multi_memory)) return invalid("multiple memories", at(kMemorySection));
  return {};
}

// Collects what ref.func may name in function bodies.  spec: context (refs)
Result<void> ModuleValidator::declare_functions() {
  for (const wasm::Export& exported : module_.exports)
    if (exported.kind == wasm::ExternKind::func) declare(exported.index);
  for (const wasm::Global& global : module_.globals) TRY(declare_in(global.init));
  for (const wasm::Table& table : module_.tables)
    if (table.init) TRY(declare_in(*table.init));
  for (const wasm::Elem& elem : module_.elems) {
    for (const wasm::FuncIndex function : elem.functions) declare(function.value);
    for (const wasm::ConstExpr& expr : elem.expressions) TRY(declare_in(expr));
  }
  return {};
}

Result<void> ModuleValidator::declare_in(const wasm::ConstExpr& expr) {
  wasm::CodeReader reader(expr);
  wasm::Instruction in;
  while (!reader.at_end()) {
    if (!reader.next(in)) return reader.failure();
    if (in.op == wasm::Opcode::ref_func) declare(in.index);
  }
  return {};
}

// A global's initial value may use the globals before it.  spec: valid-global
Result<void> ModuleValidator::globals() {
  for (uint32_t i = module_.imported_globals; i < module_.globals.size(); ++i)
    TRY(body_.constant(module_.globals[i].init, module_.globals[i].type.value, i));
  return {};
}

// spec: valid-table
Result<void> ModuleValidator::tables_inits() {
  for (uint32_t i = module_.imported_tables; i < module_.tables.size(); ++i) {
    const wasm::Table& table = module_.tables[i];
    if (table.init) TRY(body_.constant(*table.init, table.type.element, module_.imported_globals));
    if (!table.init && !table.type.element.nullable()) return invalid("type mismatch: a table of non-nullable references without an initial value", at(kTableSection));
  }
  return {};
}

// spec: valid-export
Result<void> ModuleValidator::exports() {
  struct Space {
    const char* name;
    size_t size;
  };
  const Space spaces[] = {{"function", module_.functions.size()}, {"table", module_.tables.size()}, {"memory", module_.memories.size()},
                          {"global", module_.globals.size()}, {"tag", module_.tags.size()}};
  std::unordered_set<std::string_view> names;
  names.reserve(module_.exports.size());
  for (const wasm::Export& exported : module_.exports) {
    const uint64_t offset = static_cast<uint64_t>(reinterpret_cast<const uint8_t*>(exported.name.data()) - module_.binary.data());
    const Space& space = spaces[static_cast<size_t>(exported.kind)];
    if (exported.index >= space.size) return unknown(space.name, exported.index, offset);
    if (!names.insert(exported.name).second) return invalid("duplicate export name", offset);
    if (exported.kind == wasm::ExternKind::global && module_.globals[exported.index].type.is_mutable && !context_.features.contains(Feature::mutable_globals))
      return wasm::unsupported_feature(Feature::mutable_globals, offset);
  }
  return {};
}

// spec: valid-start
Result<void> ModuleValidator::start() {
  if (!module_.start) return {};
  if (module_.start->value >= module_.functions.size()) return unknown("function", module_.start->value, at(kStartSection));
  const wasm::FuncType& type = module_.type_of(*module_.start);
  if (!type.params.empty() || !type.results.empty()) return invalid("start function: expected () -> (), found " + to_string(type), at(kStartSection));
  return {};
}

// spec: valid-elem
Result<void> ModuleValidator::elem(const wasm::Elem& elem) {
  for (const wasm::FuncIndex function : elem.functions)
    if (function.value >= module_.functions.size()) return unknown("function", function.value, at(kElemSection));
  for (const wasm::ConstExpr& expr : elem.expressions) TRY(constant(expr, elem.type));
  if (elem.mode != wasm::Elem::Mode::active) return {};
  if (elem.table.value >= module_.tables.size()) return unknown("table", elem.table.value, elem.offset.offset);
  const wasm::ValType wanted = module_.tables[elem.table.value].type.element;
  if (!is_subtype(elem.type, wanted)) return invalid("type mismatch: a table of " + to_string(wanted) + " and elements of " + to_string(elem.type), elem.offset.offset);
  return constant(elem.offset, wasm::kI32);
}

Result<void> ModuleValidator::elems() {
  for (const wasm::Elem& segment : module_.elems) TRY(elem(segment));
  return {};
}

// spec: valid-data
Result<void> ModuleValidator::datas() {
  for (const wasm::Data& data : module_.datas) {
    if (!data.active) continue;
    if (data.memory.value >= module_.memories.size()) return unknown("memory", data.memory.value, data.offset.offset);
    TRY(constant(data.offset, wasm::kI32));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<const ModuleContext>> validate_module(const wasm::Module& module, wasm::FeatureSet features) {
  auto context = std::make_unique<ModuleContext>(module, features);
  TRY(ModuleValidator(*context).validate());
  return std::unique_ptr<const ModuleContext>(std::move(context));
}

FunctionValidator::FunctionValidator(const ModuleContext& context) : body_(std::make_unique<FunctionBody>(context)) {}
FunctionValidator::~FunctionValidator() = default;

Result<void> FunctionValidator::validate(uint32_t defined_function) { return body_->function(defined_function); }

Result<void> validate(const wasm::Module& module, wasm::FeatureSet features) {
  const auto context = TRY(validate_module(module, features));
  FunctionValidator validator(*context);
  for (uint32_t i = 0; i < module.code.size(); ++i) TRY(validator.validate(i));
  return {};
}

}  // namespace wherry::validate
