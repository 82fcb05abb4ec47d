// SPDX-License-Identifier: Apache-2.0
#include "values.h"

#include <cstdio>
#include <cstring>

namespace wherry::spec {
namespace {

using nlohmann::json;

uint64_t number(const std::string& text) {
  return text.starts_with('-') ? static_cast<uint64_t>(std::stoll(text)) : std::stoull(text);
}

size_t lane_size(const std::string& type) {
  if (type == "i8") return 1;
  if (type == "i16") return 2;
  return type == "i32" || type == "f32" ? 4 : 8;
}

// Bits of a float of `size` bytes against a number or "nan:canonical" or "nan:arithmetic".
bool float_matches(const std::string& expected, uint64_t bits, size_t size) {
  const uint64_t sign = uint64_t{1} << (8 * size - 1);
  const uint64_t quiet = size == 4 ? 0x7fc00000 : 0x7ff8000000000000;
  if (expected == "nan:canonical") return (bits & ~sign) == quiet;
  if (expected == "nan:arithmetic") return (bits & quiet) == quiet;
  return bits == number(expected);
}

uint64_t read_lane(const uint8_t* from, size_t size) {
  uint64_t bits = 0;
  memcpy(&bits, from, size);
  return bits;
}

bool lane_matches(const std::string& type, const std::string& expected, const uint8_t* at) {
  const size_t size = lane_size(type);
  const uint64_t bits = read_lane(at, size);
  if (type[0] == 'f') return float_matches(expected, bits, size);
  const uint64_t wanted = number(expected);
  return memcmp(&bits, &wanted, size) == 0;
}

bool vector_matches(const json& expected, const abi::Value& actual) {
  const std::string type = expected["lane_type"];
  size_t lane = 0;
  for (const json& value : expected["value"]) {
    if (!lane_matches(type, value, actual.v128 + lane++ * lane_size(type))) return false;
  }
  return true;
}

bool reference_matches(const json& expected, const abi::Value& actual) {
  const std::string type = expected["type"];
  const bool must_be_null = type.starts_with("null") || type == "refnull";
  if (must_be_null || expected.value("value", "") == "null") return actual.ref == nullptr;
  if (!expected.contains("value")) return actual.ref != nullptr;
  return reinterpret_cast<uint64_t>(actual.ref) == number(expected["value"]) + 1;
}

}  // namespace

abi::Value parse_value(const json& json) {
  abi::Value value{};
  const std::string type = json["type"];
  if (type == "v128") {
    const std::string lane_type = json["lane_type"];
    size_t lane = 0;
    for (const auto& part : json["value"]) {
      const uint64_t bits = number(part);
      memcpy(value.v128 + lane++ * lane_size(lane_type), &bits, lane_size(lane_type));
    }
  } else if (type.ends_with("ref") || type == "refnull") {
    const std::string text = json.value("value", "null");
    if (text != "null") value.i64 = number(text) + 1;
  } else {
    value.i64 = number(json["value"]);
    if (type == "i32" || type == "f32") value.i64 = value.i32;
  }
  return value;
}

bool matches(const json& expected, const abi::Value& actual, wasm::ValType type) {
  const std::string wanted = expected["type"];
  if (wanted == "either") {
    for (const json& one : expected["values"]) {
      if (matches(one, actual, type)) return true;
    }
    return false;
  }
  if (type.is_ref()) return wanted.starts_with("ref") || wanted.ends_with("ref") ? reference_matches(expected, actual) : false;
  if (type == wasm::kV128) return wanted == "v128" && vector_matches(expected, actual);
  return wanted == to_string(type) && lane_matches(wanted, expected["value"], actual.v128);
}

std::string to_text(const abi::Value& value, wasm::ValType type) {
  char text[64];
  if (type == wasm::kV128) {
    uint64_t halves[2];
    memcpy(halves, value.v128, 16);
    snprintf(text, sizeof text, "v128:0x%016lx%016lx", halves[1], halves[0]);
  } else {
    snprintf(text, sizeof text, "%s:0x%lx", to_string(type).c_str(), value.i64);
  }
  return text;
}

}  // namespace wherry::spec
