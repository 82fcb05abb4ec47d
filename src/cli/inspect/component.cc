// SPDX-License-Identifier: Apache-2.0
#include "cli/inspect/component.h"

#include <algorithm>
#include <array>
#include <optional>

namespace wherry::cli {
namespace {

constexpr std::array<uint8_t, 8> kPreamble = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};
constexpr uint8_t kImportSection = 10, kExportSection = 11;

// Reads from the front; a failure makes the rest empty.
class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  std::optional<uint8_t> byte() {
    if (bytes_.empty()) return std::nullopt;
    const uint8_t value = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::optional<uint32_t> u32() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      const auto next = byte();
      if (!next) return std::nullopt;
      value |= uint64_t{*next & 0x7fu} << shift;
      if (!(*next & 0x80)) return static_cast<uint32_t>(value);
    }
    bytes_ = {};
    return std::nullopt;
  }
  std::span<const uint8_t> take(size_t size) {
    const auto front = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(front.size());
    return front;
  }

 private:
  std::span<const uint8_t> bytes_;
};

std::optional<std::string> read_name(Bytes& in) {
  if (!in.byte()) return std::nullopt;  // the kind of name: plain, or with a version behind it
  const auto size = in.u32();
  if (!size) return std::nullopt;
  const auto bytes = in.take(*size);
  return std::string(bytes.begin(), bytes.end());
}

// canon: externdesc; an index for most sorts, for types and values a bound.
bool skip_descriptor(Bytes& in) {
  const auto sort = in.byte();
  if (!sort) return false;
  if (*sort == 2 || *sort == 3) {
    const auto bound = in.byte();
    return bound && (*sort == 3 && *bound == 1 ? true : in.u32().has_value());
  }
  if (*sort == 0) in.byte();
  return in.u32().has_value();
}

void read_imports(Bytes in, std::vector<std::string>& names) {
  for (uint32_t left = in.u32().value_or(0); left > 0 && !in.empty(); --left) {
    const auto name = read_name(in);
    if (!name) return;
    names.push_back(*name);
    if (!skip_descriptor(in)) return;
  }
}

void read_exports(Bytes in, std::vector<std::string>& names) {
  for (uint32_t left = in.u32().value_or(0); left > 0 && !in.empty(); --left) {
    const auto name = read_name(in);
    if (!name) return;
    names.push_back(*name);
    const auto sort = in.byte();
    if (sort == 0) in.byte();
    if (!in.u32()) return;
    if (in.byte() == 1 && !skip_descriptor(in)) return;
  }
}

}  // namespace

bool is_component(std::span<const uint8_t> binary) {
  return binary.size() >= kPreamble.size() && std::equal(kPreamble.begin(), kPreamble.end(), binary.begin());
}

ComponentNames component_names(std::span<const uint8_t> binary) {
  ComponentNames names;
  Bytes in(binary.subspan(kPreamble.size()));
  while (const auto id = in.byte()) {
    const auto size = in.u32();
    if (!size) break;
    const Bytes content(in.take(*size));
    if (*id == kImportSection) read_imports(content, names.imports);
    if (*id == kExportSection) read_exports(content, names.exports);
  }
  return names;
}

}  // namespace wherry::cli
