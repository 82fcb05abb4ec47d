// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace wherry::config {

enum class Setting : uint8_t {
#define SETTING(name, key, ceiling, example, text) name,
#include "config/setting.def"
#undef SETTING
};

struct SettingInfo {
  std::string_view key;
  bool may_be_ceiling;
  std::string_view example;
  std::string_view text;
};

inline constexpr SettingInfo kSettings[] = {
#define yes true
#define no false
#define SETTING(name, key, ceiling, example, text) {key, ceiling, example, text},
#include "config/setting.def"
#undef SETTING
#undef yes
#undef no
};
inline constexpr size_t kSettingCount = std::size(kSettings);

constexpr const SettingInfo& info(Setting setting) { return kSettings[static_cast<size_t>(setting)]; }

constexpr std::optional<Setting> find_setting(std::string_view key) {
  for (size_t i = 0; i < kSettingCount; i++)
    if (kSettings[i].key == key) return static_cast<Setting>(i);
  return std::nullopt;
}

}  // namespace wherry::config
