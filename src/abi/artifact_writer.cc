// SPDX-License-Identifier: Apache-2.0
#include "abi/artifact_writer.h"

#include <algorithm>
#include <cstddef>

#include "abi/elf_writer.h"
#include "abi/memory_image.h"
#include "abi/output.h"

namespace wherry::abi {
namespace {

constexpr uint64_t kHostPage = 4096;

template <class T>
std::span<const uint8_t> bytes_of(const std::vector<T>& items) {
  return {reinterpret_cast<const uint8_t*>(items.data()), items.size() * sizeof(T)};
}

// The part of the file that instantiation reads: made in memory, because its
// checksum comes first.
class Tables {
 public:
  Tables(const wasm::Module& module, const CompiledCode& code) : module_(module), code_(code) {}

  void fill(Header& header, const MemoryImage& image);
  std::span<const uint8_t> bytes() const { return file_; }
  uint64_t end() const { return kHeaderOffset + file_.size(); }
  // Where the data segments that are not in the image will be.
  void place_datas(Header& header, uint64_t at);
  std::vector<uint8_t>& file() { return file_; }

 private:
  Slice string(std::string_view text);
  Slice expression(const wasm::ConstExpr& expression);
  Slice value_types(const std::vector<wasm::ValType>& types);
  ExternType extern_type(const wasm::TableType& type) const;
  ExternType extern_type(const wasm::MemoryType& type) const;
  ExternType extern_type(const wasm::GlobalType& type) const;
  void imports();
  void defined();
  void segments(const MemoryImage& image);

  template <class T>
  Range add(const std::vector<T>& items) {
    file_.resize((file_.size() + 7) & ~size_t{7});
    const Range range{kHeaderOffset + file_.size(), items.size() * sizeof(T)};
    const auto bytes = bytes_of(items);
    file_.insert(file_.end(), bytes.begin(), bytes.end());
    return range;
  }

  const wasm::Module& module_;
  const CompiledCode& code_;
  std::vector<uint8_t> file_ = std::vector<uint8_t>(sizeof(Header));
  std::vector<char> strings_;
  std::vector<uint8_t> expressions_;
  std::vector<uint32_t> valtypes_, items_;
  std::vector<TypeEntry> types_;
  std::vector<ImportEntry> imports_;
  std::vector<ExportEntry> exports_;
  std::vector<TableEntry> tables_;
  std::vector<MemoryEntry> memories_;
  std::vector<GlobalEntry> globals_;
  std::vector<ElemEntry> elems_;
  std::vector<DataEntry> datas_;
};

Slice Tables::string(std::string_view text) {
  const Slice slice{static_cast<uint32_t>(strings_.size()), static_cast<uint32_t>(text.size())};
  strings_.insert(strings_.end(), text.begin(), text.end());
  return slice;
}

Slice Tables::expression(const wasm::ConstExpr& expression) {
  const Slice slice{static_cast<uint32_t>(expressions_.size()), static_cast<uint32_t>(expression.bytes.size())};
  expressions_.insert(expressions_.end(), expression.bytes.begin(), expression.bytes.end());
  return slice;
}

Slice Tables::value_types(const std::vector<wasm::ValType>& types) {
  const Slice slice{static_cast<uint32_t>(valtypes_.size()), static_cast<uint32_t>(types.size())};
  for (const wasm::ValType type : types) valtypes_.push_back(type.bits());
  return slice;
}

LimitsEntry limits_entry(const wasm::Limits& limits) { return {limits.min, limits.max.value_or(~uint64_t{0})}; }

ExternType Tables::extern_type(const wasm::TableType& type) const {
  return {0, type.element.bits(), 0, type.address == wasm::AddressType::i64, limits_entry(type.limits)};
}
ExternType Tables::extern_type(const wasm::MemoryType& type) const {
  return {0, 0, 0, type.address == wasm::AddressType::i64, limits_entry(type.limits)};
}
ExternType Tables::extern_type(const wasm::GlobalType& type) const {
  return {0, type.value.bits(), type.is_mutable, 0, {}};
}

void Tables::imports() {
  uint32_t counts[5] = {};
  for (const wasm::Import& import : module_.imports) {
    const auto kind = static_cast<uint32_t>(import.kind());
    ImportEntry entry{string(import.module), string(import.name), kind, counts[kind]++, {}};
    if (const auto* table = std::get_if<wasm::TableType>(&import.type)) entry.type = extern_type(*table);
    if (const auto* memory = std::get_if<wasm::MemoryType>(&import.type)) entry.type = extern_type(*memory);
    if (const auto* global = std::get_if<wasm::GlobalType>(&import.type)) entry.type = extern_type(*global);
    if (const auto* type = std::get_if<wasm::TypeIndex>(&import.type)) entry.type.type_index = type->value;
    imports_.push_back(entry);
  }
}

void Tables::defined() {
  for (uint32_t i = 0; i < module_.types.size(); ++i) {
    const uint32_t first = code_.canonical[i];
    const wasm::FuncType& type = module_.types[i];
    types_.push_back(first < i ? types_[first] : TypeEntry{value_types(type.params), value_types(type.results)});
  }
  for (size_t i = module_.imported_tables; i < module_.tables.size(); ++i) {
    const wasm::Table& table = module_.tables[i];
    tables_.push_back({extern_type(table.type), table.init ? expression(*table.init) : Slice{}, code_.static_tables[i], 0});
  }
  for (size_t i = module_.imported_memories; i < module_.memories.size(); ++i)
    memories_.push_back({extern_type(module_.memories[i])});
  for (size_t i = module_.imported_globals; i < module_.globals.size(); ++i)
    globals_.push_back({extern_type(module_.globals[i].type), expression(module_.globals[i].init), {}});
  for (const wasm::Export& e : module_.exports)
    exports_.push_back({string(e.name), static_cast<uint32_t>(e.kind), e.index});
}

void Tables::segments(const MemoryImage& image) {
  for (const wasm::Elem& elem : module_.elems) {
    const bool expressions = !elem.expressions.empty();
    ElemEntry entry{static_cast<uint32_t>(elem.mode), elem.table.value, {}, elem.type.bits(), expressions, {}};
    if (elem.mode == wasm::Elem::Mode::active) entry.offset = expression(elem.offset);
    entry.items.offset = static_cast<uint32_t>(items_.size());
    for (const wasm::FuncIndex function : elem.functions) items_.push_back(function.value);
    for (const wasm::ConstExpr& item : elem.expressions) {
      const Slice slice = expression(item);
      items_.insert(items_.end(), {slice.offset, slice.size});
    }
    entry.items.size = static_cast<uint32_t>(items_.size()) - entry.items.offset;
    elems_.push_back(entry);
  }
  for (const wasm::Data& data : module_.datas) {
    DataEntry entry{data.active, data.memory.value, {}, 0, data.init.bytes.size(), 0, 0};
    if (data.active) entry.offset = expression(data.offset);
    entry.in_image = data.active && data.memory.value == 0 && !image.bytes.empty();
    datas_.push_back(entry);
  }
}

void Tables::fill(Header& header, const MemoryImage& image) {
  imports();
  defined();
  segments(image);
  header.strings = add(strings_);
  header.bytes = add(expressions_);
  header.valtypes = add(valtypes_);
  header.types = add(types_);
  header.canonical = add(code_.canonical);
  header.imports = add(imports_);
  header.tables = add(tables_);
  header.memories = add(memories_);
  header.globals = add(globals_);
  header.exports = add(exports_);
  header.elems = add(elems_);
  header.elem_items = add(items_);
  header.datas = add(datas_);
  header.escaping = add(code_.escaping);
  file_.resize((file_.size() + 7) & ~size_t{7});
  header.checked_end = end();
}

void Tables::place_datas(Header& header, uint64_t at) {
  for (DataEntry& entry : datas_) {
    if (entry.in_image) continue;
    entry.bytes_at = at;
    at += entry.size;
  }
  const auto bytes = bytes_of(datas_);
  std::copy(bytes.begin(), bytes.end(), file_.begin() + static_cast<ptrdiff_t>(header.datas.offset - kHeaderOffset));
}

// The checksum of Header: FNV-1a over words.
uint64_t checksum(std::span<const uint8_t> words) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t at = 0; at + 8 <= words.size(); at += 8) {
    uint64_t word = 0;
    if (at != offsetof(Header, checksum)) std::copy_n(&words[at], 8, reinterpret_cast<uint8_t*>(&word));
    hash = (hash ^ word) * 0x100000001b3;
  }
  return hash;
}

Result<Range> append(Output& out, std::span<const uint8_t> bytes, uint64_t alignment = 8) {
  TRY(out.align(alignment));
  const Range range{out.position(), bytes.size()};
  TRY(out.write(bytes));
  return range;
}

Result<Range> write_code(Output& out, const CompiledCode& code) {
  TRY(out.align(kHostPage));
  const uint64_t start = out.position();
  for (const auto piece : code.pieces) TRY(out.write(piece));
  // What follows the last function traps.
  static constexpr uint8_t kBreakpoint = 0xcc;
  TRY(out.align(kHostPage, kBreakpoint));
  return Range{start, out.position() - start};
}

struct Names {
  std::vector<Slice> slices;
  std::string strings;
};

Names collect(const wasm::Module& module, const ArtifactInfo& info) {
  Names names;
  if (info.function_names.empty()) return names;
  for (size_t i = 0; i < module.functions.size(); ++i) {
    const std::string_view name = i < info.function_names.size() ? info.function_names[i] : std::string_view();
    names.slices.push_back({static_cast<uint32_t>(names.strings.size()), static_cast<uint32_t>(name.size())});
    names.strings += name;
  }
  return names;
}

void describe(Header& header, const wasm::Module& module, const ArtifactInfo& info) {
  header.magic = kMagic;
  header.header_size = sizeof(Header);
  header.flags = info.flags;
  header.key = info.key;
  header.module_digest = info.module_digest;
  header.features_used = info.features_used;
  header.cpu_features = info.cpu_features;
  header.module_size = module.binary.size();
  header.imported_functions = module.imported_functions;
  header.imported_tables = module.imported_tables;
  header.imported_memories = module.imported_memories;
  header.imported_globals = module.imported_globals;
  header.start_function = module.start ? module.start->value : kNone;
}

// What grows with the module's code.
Result<void> write_unchecked(Output& out, Header& header, const wasm::Module& module, const CompiledCode& code,
                             const Names& names) {
  std::vector<uint32_t> function_types;
  for (const wasm::TypeIndex type : module.functions) function_types.push_back(type.value);
  std::vector<uint32_t> starts = code.starts;
  starts.push_back(code.functions_end);
  header.function_types = TRY(append(out, bytes_of(function_types)));
  header.function_starts = TRY(append(out, bytes_of(starts)));
  header.function_entries = TRY(append(out, bytes_of(code.entries)));
  header.traps = TRY(append(out, bytes_of(code.traps)));
  header.lines = TRY(append(out, bytes_of(code.lines)));
  header.names = TRY(append(out, bytes_of(names.slices)));
  header.name_strings =
      TRY(append(out, {reinterpret_cast<const uint8_t*>(names.strings.data()), names.strings.size()}));
  return {};
}

}  // namespace

Result<uint64_t> write_artifact(int fd, const wasm::Module& module, const CompiledCode& code, const ArtifactInfo& info) {
  const MemoryImage image = make_memory_image(module);
  const Names names = collect(module, info);
  Header header{};
  describe(header, module, info);
  Tables tables(module, code);
  tables.fill(header, image);

  Output out(fd);
  TRY(out.skip(tables.end()));
  header.code = TRY(write_code(out, code));
  header.image = TRY(append(out, image.bytes, image.bytes.empty() ? 8 : kHostPage));
  header.image_address = image.address;
  TRY(write_unchecked(out, header, module, code, names));
  TRY(out.align(8));
  tables.place_datas(header, out.position());
  for (const wasm::Data& data : module.datas)
    if (image.bytes.empty() || !data.active || data.memory.value != 0) TRY(out.write(data.init.bytes));
  const ElfHead head = TRY(write_elf_tail(out, header, module.imported_functions, code, info.function_names));
  header.file_size = out.position();
  TRY(out.flush());

  auto& checked = tables.file();
  std::copy_n(reinterpret_cast<const uint8_t*>(&header), sizeof header, checked.begin());
  header.checksum = checksum(checked);
  std::copy_n(reinterpret_cast<const uint8_t*>(&header), sizeof header, checked.begin());
  TRY(write_at(fd, 0, head.bytes));
  TRY(write_at(fd, kHeaderOffset, checked));
  return header.file_size;
}

}  // namespace wherry::abi
