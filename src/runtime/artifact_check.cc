// SPDX-License-Identifier: Apache-2.0
#include "runtime/artifact_check.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

namespace wherry::runtime {
namespace {

constexpr uint64_t kHostPage = 4096;

struct RangeRow {
  const char* name;
  abi::Range abi::Header::*range;
  size_t entry;
  bool checked;  // lies before checked_end
};

constexpr RangeRow kRanges[] = {
    {"code", &abi::Header::code, 1, false},
    {"image", &abi::Header::image, 1, false},
    {"strings", &abi::Header::strings, 1, true},
    {"bytes", &abi::Header::bytes, 1, true},
    {"valtypes", &abi::Header::valtypes, 4, true},
    {"types", &abi::Header::types, sizeof(abi::TypeEntry), true},
    {"canonical", &abi::Header::canonical, 4, true},
    {"imports", &abi::Header::imports, sizeof(abi::ImportEntry), true},
    {"function_types", &abi::Header::function_types, 4, false},
    {"tables", &abi::Header::tables, sizeof(abi::TableEntry), true},
    {"memories", &abi::Header::memories, sizeof(abi::MemoryEntry), true},
    {"globals", &abi::Header::globals, sizeof(abi::GlobalEntry), true},
    {"exports", &abi::Header::exports, sizeof(abi::ExportEntry), true},
    {"elems", &abi::Header::elems, sizeof(abi::ElemEntry), true},
    {"elem_items", &abi::Header::elem_items, 4, true},
    {"datas", &abi::Header::datas, sizeof(abi::DataEntry), true},
    {"escaping", &abi::Header::escaping, 4, true},
    {"function_starts", &abi::Header::function_starts, 4, false},
    {"function_entries", &abi::Header::function_entries, 4, false},
    {"traps", &abi::Header::traps, sizeof(abi::TrapEntry), false},
    {"lines", &abi::Header::lines, sizeof(abi::LineEntry), false},
    {"names", &abi::Header::names, sizeof(abi::Slice), false},
    {"name_strings", &abi::Header::name_strings, 1, false},
};

Error bad(const std::string& what) { return error(ErrorKind::malformed, "artifact: " + what); }

Result<void> check_ranges(const abi::Header& header, uint64_t size) {
  for (const RangeRow& row : kRanges) {
    const abi::Range& range = header.*row.range;
    const bool inside = range.offset <= size && range.size <= size - range.offset;
    if (!inside || range.offset % 8 != 0 || range.size % row.entry != 0) {
      return bad(std::string("the range `") + row.name + "` is not inside the file");
    }
    if (row.checked && range.size != 0 && range.offset + range.size > header.checked_end) {
      return bad(std::string("the range `") + row.name + "` is not covered by the checksum");
    }
  }
  if (header.image.offset % kHostPage != 0 || header.image.size % kHostPage != 0) {
    if (header.image.size != 0) return bad("image is not page-aligned");
  }
  if (header.code.offset % kHostPage != 0 || header.code.size % kHostPage != 0) return bad("code is not page-aligned");
  return {};
}

}  // namespace

uint64_t artifact_checksum(std::span<const uint8_t> file) {
  constexpr uint64_t kBasis = 0xcbf29ce484222325, kPrime = 0x100000001b3;
  constexpr uint64_t kOwnWord = abi::kHeaderOffset + offsetof(abi::Header, checksum);
  const auto* const header = reinterpret_cast<const abi::Header*>(file.data() + abi::kHeaderOffset);
  uint64_t hash = kBasis;
  for (uint64_t at = abi::kHeaderOffset; at + 8 <= header->checked_end; at += 8) {
    uint64_t word = 0;
    if (at != kOwnWord) memcpy(&word, file.data() + at, 8);
    hash = (hash ^ word) * kPrime;
  }
  return hash;
}

Result<void> check_artifact(std::span<const uint8_t> file, const abi::Key* key) {
  const auto& header = *reinterpret_cast<const abi::Header*>(file.data() + abi::kHeaderOffset);
  if (header.magic != abi::kMagic) return bad("not an artifact");
  if (header.header_size != sizeof(abi::Header)) return bad("made by another version of the engine");
  if (header.file_size != file.size()) return bad("its size is not what its header says");
  if (key && header.key != *key) return bad("made for something else than its name says");
  if (header.checked_end > file.size() || header.checked_end % 8 != 0 ||
      header.checked_end < abi::kHeaderOffset + sizeof(abi::Header)) {
    return bad("its checked part is not inside the file");
  }
  if (header.checksum != artifact_checksum(file)) return bad("its checksum does not match");
  return check_ranges(header, file.size());
}

}  // namespace wherry::runtime
