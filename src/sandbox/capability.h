// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wherry::sandbox {

// Sets of capabilities as the kernel's bit masks.
struct Capabilities {
  uint64_t bounding = 0;
  uint64_t effective = 0;
  uint64_t inheritable = 0;
  uint64_t permitted = 0;
  uint64_t ambient = 0;
};

// The number of "CAP_CHOWN", or nullopt for a name that this build does not know.
std::optional<int> capability_number(std::string_view name);

// The capabilities that make sense for a Wasm guest, which can neither mount nor
// trace nor configure anything: CHOWN, DAC_OVERRIDE, FOWNER, NET_BIND_SERVICE.
uint64_t guest_capabilities();

}  // namespace wherry::sandbox
