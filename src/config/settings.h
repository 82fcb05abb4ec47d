// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/name_filter.h"
#include "config/network_filter.h"
#include "config/setting.h"
#include "wasm/features.h"

namespace wherry::config {

struct PreopenPath {
  std::string path;  // absolute, without "." and ".."
  bool read_only = false;
};

enum class OnOutOfMemory : uint8_t { report, kill, deny };

// What holds for one container. It begins without any restriction, and each value
// that is applied narrows it, so that the order of sources can not widen anything.
// Plain data; the results are read-only for everybody but narrow().
class Settings {
 public:
  // The value's text; an error is in words that follow the source and the key.
  Result<void> narrow(Setting setting, std::string_view text);

  uint64_t memory = UINT64_MAX;     // bytes
  uint64_t stack = UINT64_MAX;      // bytes
  uint64_t milli_cpu = UINT64_MAX;  // thousandths of a processor
  OnOutOfMemory oom = OnOutOfMemory::report;
  wasm::FeatureSet features = wasm::FeatureSet::defaults();
  std::optional<std::vector<PreopenPath>> preopens;  // none: the root
  std::vector<std::string> read_only;
  std::vector<NetworkFilter> egress, listen;  // each must allow
  std::vector<NameFilter> environment;        // likewise
  bool trace_host_calls = false;
  bool print_summary = false;
  bool allow_native = true;
  bool allow_toolbox = true;

  // What was applied, in its order: for another process, and for people.
  const std::vector<std::pair<Setting, std::string>>& applied() const { return applied_; }
  // applied() as lines "key value"; the message's reader trusts its writer for
  // nothing but its order.
  std::string to_message() const;
  static Result<Settings> from_message(std::string_view message);

 private:
  using Apply = Result<void> (Settings::*)(std::string_view text);
  static const Apply kApply[kSettingCount];

#define SETTING(name, ...) Result<void> apply_##name(std::string_view text);
#include "config/setting.def"
#undef SETTING

  std::vector<std::pair<Setting, std::string>> applied_;
};

}  // namespace wherry::config
