// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::wasm {

enum class Feature : uint8_t {
#define FEATURE(name, flag, default, implied, text, proposal) name,
#include "wasm/feature.def"
#undef FEATURE
};

struct FeatureInfo {
  std::string_view flag;
  bool enabled_by_default;
  Feature implied;
  std::string_view text;
  std::string_view proposal;
};

inline constexpr FeatureInfo kFeatures[] = {
#define on true
#define off false
#define FEATURE(name, flag, default, implied, text, proposal) {flag, default, Feature::implied, text, proposal},
#include "wasm/feature.def"
#undef FEATURE
#undef on
#undef off
};
inline constexpr size_t kFeatureCount = std::size(kFeatures);

constexpr const FeatureInfo& info(Feature feature) { return kFeatures[static_cast<size_t>(feature)]; }

// A set of features; bits() is the form that artifacts store.
class FeatureSet {
 public:
  constexpr FeatureSet() = default;
  static constexpr FeatureSet from_bits(uint64_t bits) {
    FeatureSet set;
    set.bits_ = bits & all().bits_;
    return set;
  }
  static constexpr FeatureSet all() {
    FeatureSet set;
    set.bits_ = (uint64_t{1} << kFeatureCount) - 1;
    return set;
  }
  // What this engine runs: the rows with `on`.
  static constexpr FeatureSet defaults() {
    FeatureSet set;
    for (size_t i = 0; i < kFeatureCount; ++i)
      if (kFeatures[i].enabled_by_default) set.add(static_cast<Feature>(i));
    return set;
  }

  constexpr bool contains(Feature feature) const { return bits_ >> static_cast<unsigned>(feature) & 1; }
  constexpr void add(Feature feature) { bits_ |= uint64_t{1} << static_cast<unsigned>(feature); }
  constexpr uint64_t bits() const { return bits_; }
  constexpr bool operator==(const FeatureSet&) const = default;

 private:
  uint64_t bits_ = 0;
};

// "unsupported feature: garbage collection (gc)", an ErrorKind::unsupported.
Error unsupported_feature(Feature feature, uint64_t offset);

}  // namespace wherry::wasm
