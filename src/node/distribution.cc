// SPDX-License-Identifier: Apache-2.0
#include "node/distribution.h"

#include <unistd.h>

namespace wherry::node {

std::span<const Distribution> distributions() {
  static constexpr Distribution kDistributions[] = {
#define DISTRIBUTION(...) Distribution{__VA_ARGS__},
#include "node/distribution.def"
#undef DISTRIBUTION
  };
  return kDistributions;
}

const Distribution* find_distribution(std::string_view name) {
  for (const Distribution& distribution : distributions())
    if (distribution.name == name) return &distribution;
  return nullptr;
}

const Distribution& detect_distribution() {
  for (const Distribution& distribution : distributions())
    if (!distribution.evidence.empty() && ::access(std::string(distribution.evidence).c_str(), F_OK) == 0)
      return distribution;
  return distributions().back();
}

bool watches(const Distribution& distribution, std::string_view file) {
  return !distribution.drop_ins.empty() && file.substr(0, file.rfind('/')) == distribution.drop_ins;
}

}  // namespace wherry::node
