// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wasm/features.h"

namespace wherry::wasm {

// Dense, in the order of the table.
enum class Opcode : uint16_t {
#define OP(name, mnemonic, prefix, code, immediate, params, results, feature) name,
#include "wasm/opcode.def"
#undef OP
};

// What follows an opcode in the binary; CodeReader decodes one of each kind.
enum class Immediate : uint8_t {
  none,
  zero_byte,      // atomic.fence
  block_type,     // Instruction::block
  label,          // index
  br_table,       // index: number of targets without the default; bytes: the targets
  func,           // index
  type,           // index
  type_table,     // index: type, index2: table (call_indirect)
  select_types,   // index: count, value: the first ValType's bits; bytes: the types
  try_table,      // block; index: number of catches; bytes: the catches
  local,          // index
  global,         // index
  table,          // index
  table_table,    // index: destination, index2: source
  elem,           // index
  elem_table,     // index: segment, index2: table
  tag,            // index
  memarg,         // align, value: offset, index: memory
  memarg_lane,    // as memarg, and lane
  memory,         // index
  memory_memory,  // index: destination, index2: source
  data,           // index
  data_memory,    // index: segment, index2: memory
  i32,            // value, sign-extended
  i64,            // value
  f32,            // value: the bits
  f64,            // value: the bits
  v128,           // bytes: 16
  shuffle,        // bytes: 16 lanes
  lane,           // lane
  heap_type,      // index: HeapType::bits
  type_field,     // index: type, index2: field
  type_count,     // index: type, index2: count
  type_data,      // index: type, index2: data segment
  type_elem,      // index: type, index2: element segment
  type_type,      // index: destination, index2: source
  cast,           // index: label, lane: nullability flags, index2 and value: heap types
};

struct OpcodeInfo {
  std::string_view mnemonic;
  uint8_t prefix;
  uint8_t access_log2;  // natural alignment of a memarg; bytes accessed as a power of two
  uint8_t lanes;        // of a lane immediate, an index must be below
  Immediate immediate;
  Feature feature;
  uint32_t code;
  std::string_view params;  // i l f d v a, or "*": depends on the context
  std::string_view results;

  constexpr bool is_plain() const { return params != "*" && results != "*"; }
};

namespace detail {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr unsigned number_at(std::string_view text, size_t at) {
  unsigned n = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) n = n * 10 + static_cast<unsigned>(text[at] - '0');
  return n;
}

// Bits of the access: those that the mnemonic names after the operation
// ("load8x8_s": 64), else those of the type before the dot.
constexpr unsigned access_bits(std::string_view mnemonic) {
  for (const std::string_view operation : {"load", "store", "rmw", "wait"}) {
    const size_t at = mnemonic.find(operation);
    if (at == std::string_view::npos) continue;
    const unsigned bits = number_at(mnemonic, at + operation.size());
    if (!bits) break;
    const size_t x = mnemonic.find('x', at);
    return x != std::string_view::npos && is_digit(mnemonic[x - 1]) ? bits * number_at(mnemonic, x + 1) : bits;
  }
  return mnemonic.starts_with("memory.") ? 32 : number_at(mnemonic, 1);
}

constexpr uint8_t access_log2(std::string_view mnemonic, Immediate immediate) {
  if (immediate != Immediate::memarg && immediate != Immediate::memarg_lane) return 0;
  uint8_t log2 = 0;
  while (8u << log2 < access_bits(mnemonic)) ++log2;
  return log2;
}

// "i8x16.extract_lane_s": 16; "v128.load32_lane": 4.
constexpr uint8_t lane_count(std::string_view mnemonic, Immediate immediate) {
  if (immediate == Immediate::lane) return static_cast<uint8_t>(number_at(mnemonic, mnemonic.find('x') + 1));
  if (immediate == Immediate::memarg_lane) return static_cast<uint8_t>(128 / access_bits(mnemonic));
  return 0;
}

}  // namespace detail

inline constexpr OpcodeInfo kOpcodes[] = {
#define OP(name, mnemonic, prefix, code, immediate, params, results, feature)              \
  {mnemonic,                                                                               \
   prefix,                                                                                 \
   detail::access_log2(mnemonic, Immediate::immediate),                                    \
   detail::lane_count(mnemonic, Immediate::immediate),                                     \
   Immediate::immediate,                                                                   \
   Feature::feature,                                                                       \
   code,                                                                                   \
   params,                                                                                 \
   results},
#include "wasm/opcode.def"
#undef OP
};
inline constexpr size_t kOpcodeCount = std::size(kOpcodes);

constexpr const OpcodeInfo& info(Opcode op) { return kOpcodes[static_cast<size_t>(op)]; }

// An entry of the tables below that is no instruction, and a first byte that
// is a prefix.
inline constexpr Opcode kIllegalOpcode = static_cast<Opcode>(0xffff);
inline constexpr Opcode kPrefixOpcode = static_cast<Opcode>(0xfffe);

// One prefix's opcodes by code.
template <size_t size>
constexpr std::array<Opcode, size> opcodes_by_code(uint8_t prefix) {
  std::array<Opcode, size> table;
  table.fill(kIllegalOpcode);
  for (size_t i = 0; i < kOpcodeCount; ++i)
    if (kOpcodes[i].prefix == prefix) table[kOpcodes[i].code] = static_cast<Opcode>(i);
  return table;
}

// By the first byte; the prefixes fb to fe lead to the other tables.
inline constexpr auto kPlainOpcodes = [] {
  auto table = opcodes_by_code<256>(0);
  for (const unsigned prefix : {0xfb, 0xfc, 0xfd, 0xfe}) table[prefix] = kPrefixOpcode;
  return table;
}();
inline constexpr size_t kPrefixedOpcodeLimit = 0x114;
inline constexpr std::array<std::array<Opcode, kPrefixedOpcodeLimit>, 4> kPrefixedOpcodes = {
    opcodes_by_code<kPrefixedOpcodeLimit>(0xfb), opcodes_by_code<kPrefixedOpcodeLimit>(0xfc),
    opcodes_by_code<kPrefixedOpcodeLimit>(0xfd), opcodes_by_code<kPrefixedOpcodeLimit>(0xfe)};

// The immediate kinds apart from the rest: what the reader looks up for each instruction.
inline constexpr auto kImmediates = [] {
  std::array<Immediate, kOpcodeCount> kinds{};
  for (size_t i = 0; i < kOpcodeCount; ++i) kinds[i] = kOpcodes[i].immediate;
  return kinds;
}();

}  // namespace wherry::wasm
