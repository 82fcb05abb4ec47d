// SPDX-License-Identifier: Apache-2.0
#include "decode/decode.h"

#include <algorithm>
#include <cstring>

#include "decode/sections.h"
#include "wasm/code_reader.h"
#include "wasm/limits.h"

namespace wherry::decode {
namespace {

struct Section {
  uint8_t id;
  const char* name;
  Result<void> (*decode)(Reader&, wasm::Module&);
};

// In the order in which they must come.  spec: binary-module
constexpr Section kSections[] = {
    {1, "type section", type_section},      {2, "import section", import_section},
    {3, "function section", function_section}, {4, "table section", table_section},
    {5, "memory section", memory_section},  {13, "tag section", tag_section},
    {6, "global section", global_section},  {7, "export section", export_section},
    {8, "start section", start_section},    {9, "element section", elem_section},
    {12, "data count section", data_count_section}, {10, "code section", code_section},
    {11, "data section", data_section},
};

// The eight bytes before the sections.
Result<void> preamble(Reader& in) {
  static constexpr uint8_t kMagic[] = {0, 'a', 's', 'm'};
  static constexpr uint8_t kVersion[] = {1, 0, 0, 0};
  static constexpr uint8_t kComponentLayer[] = {1, 0};
  if (in.left() < sizeof kMagic) return in.fail("unexpected end: magic header not detected, the file is too short");
  const wasm::Bytes magic = TRY(in.bytes(sizeof kMagic));
  if (!std::ranges::equal(magic.bytes, kMagic)) return in.fail_at(0, "magic header not detected");
  if (in.left() < sizeof kVersion) return in.fail("unexpected end: no binary version");
  const wasm::Bytes version = TRY(in.bytes(sizeof kVersion));
  if (std::ranges::equal(version.bytes, kVersion)) return {};
  if (std::ranges::equal(version.bytes.subspan(2), kComponentLayer))
    return in.fail_at(version.offset, "unknown binary version: a component; only core modules can be run");
  return in.fail_at(version.offset, "unknown binary version");
}

// spec: binary-customsec
Result<void> custom_section(Reader& in, uint64_t end, wasm::Module& module) {
  const std::string_view name = TRY(in.name());
  if (in.offset() > end) return in.fail("unexpected end: a custom section's name goes past the section's end");
  module.customs.push_back({name, TRY(in.bytes_until(end))});
  return {};
}

// Reads one section; `next` is the first of kSections that may still come. Its
// content is not cut off at its end but checked to end there: what is wrong
// first is reported first, as the reference interpreter does.
Result<void> section(Reader& in, wasm::Module& module, size_t& next) {
  const uint64_t start = in.offset();
  const uint8_t id = TRY(in.byte());
  const Section* const known = std::ranges::find(kSections, id, &Section::id);
  if (id != 0 && known == std::end(kSections)) return in.fail_at(start, "malformed section id");
  const uint64_t size_start = in.offset();
  const uint32_t size = TRY(in.u32());
  if (size > in.left()) return in.fail_at(size_start, "length out of bounds: a section of " + std::to_string(size) + " bytes");
  const uint64_t end = in.offset() + size;
  if (id == 0) return custom_section(in, end, module);

  const size_t position = static_cast<size_t>(known - kSections);
  if (position < next) return in.fail_at(start, "unexpected content after last section: " + std::string(known->name) + " out of order");
  next = position + 1;
  module.section_offsets[id] = in.offset();
  TRY(known->decode(in, module));
  if (in.offset() == end) return {};
  return in.fail_at(end, "section size mismatch: " + std::string(known->name) + " of " + std::to_string(size) + " bytes");
}

// What only all sections together show.
Result<void> check_counts(const Reader& in, const wasm::Module& module) {
  if (module.functions.size() - module.imported_functions != module.code.size())
    return in.fail("function and code section have inconsistent lengths");
  if (module.data_count && *module.data_count != module.datas.size())
    return in.fail("data count and data section have inconsistent lengths");
  return {};
}

Result<void> all_sections(Reader& in, wasm::Module& module) {
  size_t next = 0;
  while (!in.at_end()) TRY(section(in, module, next));
  return check_counts(in, module);
}

// Bodies are read after the sections but come before what failed, so an
// instruction that is malformed is the reason.
Error first_failure(const wasm::Module& module, Error failure) {
  if (failure.kind != ErrorKind::malformed) return failure;
  for (const wasm::Code& code : module.code)
    if (Result<void> body = wasm::check_body_syntax(module.binary, code.body); !body) return std::move(body).error();
  return failure;
}

}  // namespace

Result<wasm::Module> decode(std::span<const uint8_t> binary, wasm::FeatureSet features) {
  if (binary.size() > wasm::kMaxModuleSize)
    return error(ErrorKind::unsupported, "module of " + std::to_string(binary.size()) + " bytes, at most " + std::to_string(wasm::kMaxModuleSize), 0);
  wasm::Module module;
  module.binary = binary;
  Reader in({binary, 0}, features);
  TRY(preamble(in));
  if (Result<void> sections = all_sections(in, module); !sections) return first_failure(module, std::move(sections).error());
  return module;
}

}  // namespace wherry::decode
