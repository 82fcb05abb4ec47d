// SPDX-License-Identifier: Apache-2.0
#include "wasm/features.h"

namespace wherry::wasm {

Error unsupported_feature(Feature feature, uint64_t offset) {
  const FeatureInfo& row = info(feature);
  return error(ErrorKind::unsupported,
               "unsupported feature: " + std::string(row.text) + " (" + std::string(row.flag) + ")", offset);
}

}  // namespace wherry::wasm
