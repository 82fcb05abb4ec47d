// SPDX-License-Identifier: Apache-2.0
#include "runtime/test_artifact.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstring>

#include "runtime/artifact_check.h"

namespace wherry::runtime::test {
namespace {

// Collects the tables of an artifact and where they went.
class Writer {
 public:
  Writer() : file_(abi::kHeaderOffset + sizeof(abi::Header)) {}

  template <class T>
  abi::Range add(const std::vector<T>& entries, size_t alignment = 8) {
    file_.resize((file_.size() + alignment - 1) / alignment * alignment);
    const abi::Range range{file_.size(), entries.size() * sizeof(T)};
    const auto* const from = reinterpret_cast<const uint8_t*>(entries.data());
    file_.insert(file_.end(), from, from + range.size);
    return range;
  }
  abi::Slice string(const std::string& text) { return append(strings, text.data(), text.size()); }
  abi::Slice expression(const std::vector<uint8_t>& code) { return append(bytes, code.data(), code.size()); }
  uint32_t type(const wasm::FuncType& type) {
    abi::TypeEntry entry{};
    entry.params = add_types(type.params);
    entry.results = add_types(type.results);
    types.push_back(entry);
    return static_cast<uint32_t>(types.size() - 1);
  }
  void align(size_t alignment) { file_.resize((file_.size() + alignment - 1) / alignment * alignment); }
  uint64_t size() const { return file_.size(); }
  std::vector<uint8_t> finish(const abi::Header& header) {
    memcpy(file_.data() + abi::kHeaderOffset, &header, sizeof header);
    seal(file_);
    return std::move(file_);
  }

  std::vector<char> strings;
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> valtypes;
  std::vector<abi::TypeEntry> types;

 private:
  template <class T>
  static abi::Slice append(std::vector<T>& to, const void* from, size_t size) {
    const abi::Slice slice{static_cast<uint32_t>(to.size()), static_cast<uint32_t>(size)};
    const auto* const begin = static_cast<const T*>(from);
    to.insert(to.end(), begin, begin + size);
    return slice;
  }
  abi::Slice add_types(const std::vector<wasm::ValType>& list) {
    const abi::Slice slice{static_cast<uint32_t>(valtypes.size()), static_cast<uint32_t>(list.size())};
    for (const wasm::ValType type : list) valtypes.push_back(type.bits());
    return slice;
  }

  std::vector<uint8_t> file_;
};

std::vector<uint8_t> i32_const(uint32_t value) {
  std::vector<uint8_t> code{0x41};
  for (int i = 0; i < 4; ++i, value >>= 7) code.push_back((value & 0x7f) | 0x80);
  code.push_back(value & 0x7f);
  code.push_back(0x0b);
  return code;
}

struct CodeTables {
  std::vector<uint8_t> code;
  std::vector<uint32_t> starts;
  std::vector<abi::TrapEntry> traps;
  std::vector<abi::LineEntry> lines;
};

// A line entry for each function says 0x100 times its number.
CodeTables lay_out(const std::vector<TestArtifact::Function>& functions) {
  CodeTables tables;
  for (const TestArtifact::Function& function : functions) {
    tables.code.resize((tables.code.size() + 15) & ~size_t{15}, 0xcc);
    const auto start = static_cast<uint32_t>(tables.code.size());
    tables.lines.push_back({start, static_cast<uint32_t>(0x100 * (tables.starts.size() + 1))});
    tables.starts.push_back(start);
    for (const auto& [at, trap] : function.traps) {
      tables.traps.push_back({start + static_cast<uint32_t>(at - function.code.data()), static_cast<uint32_t>(trap)});
    }
    tables.code.insert(tables.code.end(), function.code.begin(), function.code.end());
  }
  tables.starts.push_back(static_cast<uint32_t>(tables.code.size()));
  tables.code.resize((tables.code.size() + 4095) & ~size_t{4095}, 0xcc);
  return tables;
}

}  // namespace

std::vector<uint8_t> TestArtifact::bytes() const {
  Writer out;
  abi::Header header{};
  header.magic = abi::kMagic;
  header.header_size = sizeof header;
  header.flags = flags;
  header.image_address = image_address;
  header.start_function = start;

  std::vector<abi::ImportEntry> import_entries;
  std::vector<uint32_t> function_types;
  for (const Import& import : imports) {
    uint32_t* const counts[] = {&header.imported_functions, &header.imported_tables, &header.imported_memories,
                                &header.imported_globals};
    abi::ImportEntry entry{out.string(import.module), out.string(import.name), import.kind,
                           (*counts[import.kind])++, import.type};
    if (import.kind == abi::kFunc) function_types.push_back(entry.type.type_index = out.type(import.func_type));
    import_entries.push_back(entry);
  }
  std::vector<abi::ExportEntry> export_entries;
  for (const Function& function : functions) function_types.push_back(out.type(function.type));
  for (uint32_t i = 0; i < function_types.size(); ++i) {
    export_entries.push_back({out.string("f" + std::to_string(i)), abi::kFunc, i});
  }
  if (!memories.empty() || header.imported_memories) export_entries.push_back({out.string("memory"), abi::kMemory, 0});
  if (!tables.empty() || header.imported_tables) export_entries.push_back({out.string("table"), abi::kTable, 0});

  std::vector<abi::MemoryEntry> memory_entries;
  for (const abi::ExternType& type : memories) memory_entries.push_back({type});
  std::vector<abi::TableEntry> table_entries;
  for (const abi::ExternType& type : tables) table_entries.push_back({type, {}, 0, 0});
  std::vector<abi::GlobalEntry> global_entries;
  for (const auto& [type, init] : globals) global_entries.push_back({type, out.expression(init), {}});
  for (uint32_t i = 0; i < globals.size(); ++i) {
    export_entries.push_back({out.string("g" + std::to_string(i)), abi::kGlobal, header.imported_globals + i});
  }
  std::vector<abi::ElemEntry> elem_entries;
  std::vector<uint32_t> items;
  for (const auto& [offset, list] : elems) {
    elem_entries.push_back({0, 0, out.expression(i32_const(offset)), wasm::kFuncref.bits(), 0,
                            {static_cast<uint32_t>(items.size()), static_cast<uint32_t>(list.size())}});
    items.insert(items.end(), list.begin(), list.end());
  }
  std::vector<abi::DataEntry> data_entries;
  for (const Data& data : datas) {
    const abi::Range at = out.add(std::vector<char>(data.bytes.begin(), data.bytes.end()));
    data_entries.push_back({1, 0, out.expression(i32_const(data.at)), at.offset, at.size, 0, 0});
  }

  header.imports = out.add(import_entries);
  header.exports = out.add(export_entries);
  header.memories = out.add(memory_entries);
  header.tables = out.add(table_entries);
  header.globals = out.add(global_entries);
  header.elems = out.add(elem_entries);
  header.elem_items = out.add(items);
  header.datas = out.add(data_entries);
  header.escaping = out.add(escaping);
  header.strings = out.add(out.strings);
  header.bytes = out.add(out.bytes);
  header.valtypes = out.add(out.valtypes);
  header.types = out.add(out.types);
  out.align(8);
  header.checked_end = out.size();

  const CodeTables tables_of_code = lay_out(functions);
  header.function_types = out.add(function_types);
  header.function_starts = out.add(tables_of_code.starts);
  header.function_entries = out.add(tables_of_code.starts);
  header.traps = out.add(tables_of_code.traps);
  header.lines = out.add(tables_of_code.lines);
  std::vector<abi::Slice> names(header.imported_functions);
  std::vector<char> name_strings;
  for (const Function& function : functions) {
    names.push_back({static_cast<uint32_t>(name_strings.size()), static_cast<uint32_t>(function.name.size())});
    name_strings.insert(name_strings.end(), function.name.begin(), function.name.end());
  }
  header.names = out.add(names);
  header.name_strings = out.add(name_strings);
  std::vector<char> image_pages(image.begin(), image.end());
  image_pages.resize((image.size() + 4095) & ~size_t{4095});
  header.image = out.add(image_pages, 4096);
  header.code = out.add(tables_of_code.code, 4096);
  header.file_size = out.size();
  return out.finish(header);
}

std::unique_ptr<Artifact> TestArtifact::map() const {
  auto mapped = Artifact::map(memory_file(bytes()));
  if (!mapped) fprintf(stderr, "%s\n", mapped.error().message.c_str());
  CHECK(mapped.has_value(), "a test's own artifact is sound");
  return std::move(*mapped);
}

Guest::Guest(const TestArtifact& made, const Linker& linker, const StoreConfig& config)
    : artifact(made.map()), store(std::move(*Store::create(config))) {
  auto linked = Instance::link(*store, *artifact, linker);
  if (!linked) fprintf(stderr, "%s\n", linked.error().message.c_str());
  CHECK(linked.has_value(), "a test's own artifact links");
  instance = *linked;
}

Result<void, Trap> Guest::call(std::string_view name, const std::vector<abi::Value>& args, size_t results) {
  result.assign(results, {});
  return instance->exported_function(name)->call(args, result);
}

UniqueFd memory_file(std::span<const uint8_t> bytes) {
  UniqueFd file(memfd_create("artifact", MFD_CLOEXEC));
  CHECK(write_all(file.get(), std::as_bytes(bytes), "memory file").has_value(), "a small memory file");
  return file;
}

void seal(std::vector<uint8_t>& file) {
  auto* const header = reinterpret_cast<abi::Header*>(file.data() + abi::kHeaderOffset);
  header->checksum = artifact_checksum(file);
}

abi::ExternType memory_type(uint64_t min, uint64_t max) { return {0, 0, 0, 0, {min, max}}; }

abi::ExternType table_type(uint64_t min, uint64_t max, wasm::ValType element) {
  return {0, element.bits(), 0, 0, {min, max}};
}

abi::ExternType global_type(wasm::ValType value, bool is_mutable) { return {0, value.bits(), is_mutable, 0, {}}; }

}  // namespace wherry::runtime::test
