// SPDX-License-Identifier: Apache-2.0
#include "decode/reader.h"

#include "base/utf8.h"
#include "wasm/code_reader.h"

namespace wherry::decode {

Result<wasm::Bytes> Reader::bytes(size_t n) {
  const uint64_t at = offset();
  if (n > left()) return fail_at(at + left(), "unexpected end of section or function");
  return wasm::Bytes{{in_.bytes(n), n}, at};
}

Result<wasm::Bytes> Reader::sized_bytes() {
  const uint64_t start = offset();
  const uint32_t n = TRY(u32());
  if (n > left()) return fail_at(start, "length out of bounds: " + std::to_string(n) + " bytes of " + std::to_string(left()));
  return bytes(n);
}

Result<std::string_view> Reader::name() {
  const wasm::Bytes text = TRY(sized_bytes());
  if (text.bytes.size() > wasm::kMaxNameLength)
    return error(ErrorKind::unsupported, "name of " + std::to_string(text.bytes.size()) + " bytes, at most " + std::to_string(wasm::kMaxNameLength), text.offset);
  const std::string_view view(reinterpret_cast<const char*>(text.bytes.data()), text.bytes.size());
  if (!is_utf8(view)) return fail_at(text.offset, "malformed UTF-8 encoding");
  return view;
}

Result<uint32_t> Reader::count(uint32_t limit, const char* what) {
  const uint64_t start = offset();
  const uint32_t n = TRY(u32());
  if (n <= limit) return n;
  if (n > left()) return fail_at(start, "length out of bounds: " + std::to_string(n) + " " + what + " in " + std::to_string(left()) + " bytes");
  return error(ErrorKind::unsupported, "too many " + std::string(what) + ": " + std::to_string(n) + ", at most " + std::to_string(limit), start);
}

Result<wasm::ValType> Reader::enabled(wasm::ValType type, uint64_t start) {
  if (in_.failure()) return failure();
  TRY(require(wasm::feature_of(type), start));
  return type;
}

Result<wasm::ValType> Reader::value_type() {
  const uint64_t start = offset();
  return enabled(wasm::read_value_type(in_), start);
}

Result<wasm::ValType> Reader::reference_type() {
  const uint64_t start = offset();
  return enabled(wasm::read_reference_type(in_), start);
}

Result<wasm::ConstExpr> Reader::const_expr() {
  const uint8_t* const start = in_.position();
  const uint64_t start_offset = offset();
  wasm::CodeReader code({{start, left()}, start_offset});
  wasm::Instruction instruction;
  for (size_t depth = 1; depth > 0;) {
    if (!code.next(instruction)) return code.failure();
    const wasm::Immediate immediate = wasm::info(instruction.op).immediate;
    if (immediate == wasm::Immediate::block_type || immediate == wasm::Immediate::try_table) ++depth;
    if (instruction.op == wasm::Opcode::end) --depth;
  }
  const size_t size = code.offset() - start_offset;
  return wasm::ConstExpr{{in_.bytes(size), size}, start_offset};
}

Result<void> Reader::require(wasm::Feature feature, uint64_t offset) const {
  if (features_.contains(feature)) return {};
  return wasm::unsupported_feature(feature, offset);
}

}  // namespace wherry::decode
