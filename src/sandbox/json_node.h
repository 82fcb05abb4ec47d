// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::sandbox {

// A JSON value and where it is, so that an error can name its place. Holds
// pointers to its parents: only for the length of one parse, on the stack.
//
// read(key, out) sets `out` from a member and leaves it alone if the member is
// absent or null; it fails on the wrong type, a number out of range, or text with
// a NUL byte.
class JsonNode {
 public:
  using Json = nlohmann::json;

  explicit JsonNode(const Json& value) : value_(&value) {}
  JsonNode(const Json& value, const JsonNode& parent, std::string_view key) : value_(&value), parent_(&parent), key_(key) {}
  JsonNode(const Json& value, const JsonNode& parent, size_t index) : value_(&value), parent_(&parent), index_(index) {}

  const Json& value() const { return *value_; }
  std::string path() const;
  Error fail(std::string_view problem) const;
  Error expected(std::string_view what) const;

  // The member, nullptr if absent or null. For objects.
  const Json* find(std::string_view key) const;

  template <class T>
  Result<void> read(std::string_view key, T& out) const {
    if (const Json* member = find(key)) return JsonNode(*member, *this, key).get(out);
    return {};
  }

  // Calls each(JsonNode) for every element of an array member.
  template <class Each>
  Result<void> each(std::string_view key, Each&& function) const {
    const Json* member = find(key);
    if (!member) return {};
    const JsonNode list(*member, *this, key);
    if (!member->is_array()) return list.expected("an array");
    for (size_t i = 0; i < member->size(); ++i) {
      const JsonNode element((*member)[i], list, i);
      TRY(function(element));
    }
    return {};
  }

  // Calls `function(JsonNode)` for a member that is an object.
  template <class Function>
  Result<void> object(std::string_view key, Function&& function) const {
    const Json* member = find(key);
    if (!member) return {};
    const JsonNode node(*member, *this, key);
    if (!member->is_object()) return node.expected("an object");
    return function(node);
  }

  Result<void> get(bool& out) const;
  Result<void> get(std::string& out) const;
  Result<void> get(std::map<std::string, std::string>& out) const;
  Result<void> get(std::vector<std::string>& out) const;

  template <class T>
    requires(std::integral<T> && !std::same_as<T, bool>)
  Result<void> get(T& out) const {
    if constexpr (std::is_signed_v<T>) {
      out = static_cast<T>(TRY(get_signed(std::numeric_limits<T>::min(), std::numeric_limits<T>::max())));
    } else {
      out = static_cast<T>(TRY(get_unsigned(std::numeric_limits<T>::max())));
    }
    return {};
  }
  template <class T>
    requires(std::integral<T> && !std::same_as<T, bool>)
  Result<void> get(std::vector<T>& out) const {
    if (!value_->is_array()) return expected("an array");
    for (size_t i = 0; i < value_->size(); ++i) TRY(JsonNode((*value_)[i], *this, i).get(out.emplace_back()));
    return {};
  }
  template <class T>
  Result<void> get(std::optional<T>& out) const {
    return get(out.emplace());
  }

 private:
  Result<int64_t> get_signed(int64_t min, int64_t max) const;
  Result<uint64_t> get_unsigned(uint64_t max) const;

  const Json* value_;
  const JsonNode* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
};

}  // namespace wherry::sandbox
