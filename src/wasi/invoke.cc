// SPDX-License-Identifier: Apache-2.0
#include "wasi/invoke.h"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <limits>

namespace wherry::wasi {
namespace {

using Kind = wasm::ValType::Kind;

// An integer of `bits`, given as signed or unsigned.
bool parse_integer(std::string_view text, unsigned bits, uint64_t& out) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  uint64_t number = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number, hex ? 16 : 10);
  if (problem != std::errc() || stop != text.data() + text.size()) return false;
  const uint64_t most = ~uint64_t{0} >> (64 - bits);
  if (negative ? number > most / 2 + 1 : number > most) return false;
  out = (negative ? -number : number) & most;
  return true;
}

template <class T>
bool parse_float(std::string_view text, T& out) {
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc() && stop == text.data() + text.size();
}

bool parse_value(wasm::ValType type, std::string_view text, abi::Value& out) {
  out = {};
  switch (type.kind()) {
    case Kind::i32:
      return parse_integer(text, 32, out.i64);
    case Kind::i64:
      return parse_integer(text, 64, out.i64);
    case Kind::f32:
      return parse_float(text, out.f32);
    case Kind::f64:
      return parse_float(text, out.f64);
    default:
      return false;
  }
}

// With as few digits as give the same number back. std::to_chars does this too, with
// 150 KB of tables.
template <class T>
std::string shortest(T number) {
  char text[400];
  for (int digits = 1; digits <= std::numeric_limits<T>::max_digits10; ++digits) {
    snprintf(text, sizeof text, "%.*g", digits, static_cast<double>(number));
    T back;
    if (parse_float(text, back) && back == number) break;
  }
  const std::string rounded = text;
  snprintf(text, sizeof text, "%.0f", static_cast<double>(number));
  T whole;
  const bool is_whole = parse_float(text, whole) && whole == number;
  return is_whole && strlen(text) <= rounded.size() ? text : rounded;
}

std::string hex(const uint8_t (&bytes)[16]) {
  std::string text = "0x";
  for (int i = 15; i >= 0; i--) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

}  // namespace

Result<std::vector<abi::Value>> parse_arguments(const wasm::FuncType& type, std::span<const std::string> texts) {
  if (texts.size() != type.params.size()) {
    return error(ErrorKind::invalid, "the function has the type " + to_string(type) + " and got " +
                                         std::to_string(texts.size()) + " arguments");
  }
  std::vector<abi::Value> values(texts.size());
  for (size_t i = 0; i < texts.size(); i++) {
    if (!parse_value(type.params[i], texts[i], values[i])) {
      return error(ErrorKind::invalid, "argument `" + texts[i] + "` is no " + to_string(type.params[i]));
    }
  }
  return values;
}

std::string format_value(wasm::ValType type, const abi::Value& value) {
  switch (type.kind()) {
    case Kind::i32:
      return std::to_string(static_cast<int32_t>(value.i32));
    case Kind::i64:
      return std::to_string(static_cast<int64_t>(value.i64));
    case Kind::f32:
      return shortest(value.f32);
    case Kind::f64:
      return shortest(value.f64);
    case Kind::v128:
      return hex(value.v128);
    case Kind::ref:
      return value.ref == nullptr ? "null" : "<ref>";
  }
  return "";
}

}  // namespace wherry::wasi
