// SPDX-License-Identifier: Apache-2.0
#include "label/labels.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/printable.h"

namespace wherry::label {
namespace {

constexpr size_t kMaxName = 63, kMaxSubdomain = 253;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alphanumeric(char c) { return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z'); }

// Of a key behind its prefix, and of a value.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_key(std::string_view key) {
  const size_t slash = key.find('/');
  if (slash == key.npos) return is_name(key);
  return is_object_name(key.substr(0, slash)) && is_name(key.substr(slash + 1));
}

}  // namespace

bool is_object_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxSubdomain) return false;
  const auto is_end = [](char c) { return is_digit(c) || is_lower(c); };
  for (size_t start = 0;;) {
    const std::string_view part = name.substr(start, name.find('.', start) - start);
    if (part.empty() || !is_end(part.front()) || !is_end(part.back())) return false;
    if (!std::all_of(part.begin(), part.end(), [&](char c) { return is_end(c) || c == '-'; })) return false;
    start += part.size() + 1;
    if (start > name.size()) return true;
  }
}

Result<Labels> parse_labels(std::span<const std::string> words) {
  Labels labels;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    const bool removes = equals == word.npos && word.ends_with('-');
    if (equals == word.npos && !removes) return error(ErrorKind::invalid, "`" + printable(word, 100) + "`: neither KEY=VALUE nor KEY-");
    const std::string key = word.substr(0, removes ? word.size() - 1 : equals);
    if (!is_key(key)) return error(ErrorKind::invalid, "`" + printable(key, 100) + "` is not the key of a label");
    std::optional<std::string> value;
    if (!removes) value = word.substr(equals + 1);
    if (value && !value->empty() && !is_name(*value)) return error(ErrorKind::invalid, "`" + printable(*value, 100) + "` is not the value of a label");
    if (!labels.emplace(key, value).second) return error(ErrorKind::invalid, "label " + key + " is there twice");
  }
  return labels;
}

Labels without_values(const Labels& labels) {
  Labels none;
  for (const auto& [key, value] : labels) none[key] = std::nullopt;
  return none;
}

std::string merge_patch(const Labels& labels) {
  nlohmann::ordered_json patch;
  auto& members = patch["metadata"]["labels"] = nlohmann::ordered_json::object();
  for (const auto& [key, value] : labels) members[key] = value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  return json_text(patch);
}

}  // namespace wherry::label
