// SPDX-License-Identifier: Apache-2.0
#include "sandbox/json_node.h"

namespace wherry::sandbox {

std::string JsonNode::path() const {
  if (!parent_) return "";
  const std::string outer = parent_->path();
  if (key_.empty()) return outer + "[" + std::to_string(index_) + "]";
  return outer.empty() ? std::string(key_) : outer + "." + std::string(key_);
}

Error JsonNode::fail(std::string_view problem) const {
  const std::string place = path();
  return error(ErrorKind::invalid, "config.json: " + (place.empty() ? "" : place + ": ") + std::string(problem));
}

Error JsonNode::expected(std::string_view what) const {
  const std::string_view type = value_->type_name();
  const char* article = type == "array" || type == "object" ? "an " : "a ";
  return fail("expected " + std::string(what) + ", found " + article + std::string(type));
}

const JsonNode::Json* JsonNode::find(std::string_view key) const {
  if (!value_->is_object()) return nullptr;
  const auto member = value_->find(key);
  return member == value_->end() || member->is_null() ? nullptr : &*member;
}

Result<void> JsonNode::get(bool& out) const {
  if (!value_->is_boolean()) return expected("a boolean");
  out = *value_->get_ptr<const bool*>();
  return {};
}

Result<void> JsonNode::get(std::string& out) const {
  if (!value_->is_string()) return expected("a string");
  out = *value_->get_ptr<const std::string*>();
  if (out.find('\0') != std::string::npos) return fail("a NUL byte in a string");
  return {};
}

Result<void> JsonNode::get(std::map<std::string, std::string>& out) const {
  if (!value_->is_object()) return expected("an object");
  for (const auto& [key, member] : value_->items()) {
    if (key.find('\0') != std::string::npos) return fail("a NUL byte in a key");
    TRY(JsonNode(member, *this, key).get(out[key]));
  }
  return {};
}

Result<void> JsonNode::get(std::vector<std::string>& out) const {
  if (!value_->is_array()) return expected("an array");
  for (size_t i = 0; i < value_->size(); ++i) TRY(JsonNode((*value_)[i], *this, i).get(out.emplace_back()));
  return {};
}

Result<int64_t> JsonNode::get_signed(int64_t min, int64_t max) const {
  if (!value_->is_number_integer()) return expected("a whole number");
  const bool fits = !value_->is_number_unsigned() || *value_->get_ptr<const uint64_t*>() <= uint64_t{INT64_MAX};
  const int64_t number = fits ? *value_->get_ptr<const int64_t*>() : max;
  if (!fits || number < min || number > max) {
    return fail("the number must be from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return number;
}

Result<uint64_t> JsonNode::get_unsigned(uint64_t max) const {
  if (!value_->is_number_integer()) return expected("a whole number");
  const bool negative = !value_->is_number_unsigned() && *value_->get_ptr<const int64_t*>() < 0;
  const uint64_t number = negative ? 0 : static_cast<uint64_t>(*value_->get_ptr<const int64_t*>());
  if (negative || number > max) return fail("the number must be from 0 to " + std::to_string(max));
  return number;
}

}  // namespace wherry::sandbox
