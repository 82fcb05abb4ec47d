// SPDX-License-Identifier: Apache-2.0
#include "abi/trap.h"

namespace wherry {

const char* to_string(Trap trap) {
  static constexpr const char* kTexts[] = {
#define TRAP(name, text) text,
#include "abi/trap.def"
#undef TRAP
  };
  return kTexts[static_cast<uint8_t>(trap)];
}

}  // namespace wherry
