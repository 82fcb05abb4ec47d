// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/utf8.h"

#include <cstddef>

namespace wherry::wasi {
namespace {

// How the bytes of a character go on after its first byte.
struct Lead {
  uint8_t first, last;        // the first byte
  uint8_t more;               // further bytes
  uint8_t second_min, second_max;
};

constexpr Lead kLeads[] = {
    {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

const Lead* lead_of(uint8_t byte) {
  for (const Lead& lead : kLeads) {
    if (byte >= lead.first && byte <= lead.last) return &lead;
  }
  return nullptr;
}

}  // namespace

bool is_utf8(std::span<const uint8_t> bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const Lead* lead = lead_of(bytes[i]);
    if (lead == nullptr || bytes.size() - i <= lead->more) return false;
    for (size_t k = 1; k <= lead->more; k++) {
      const uint8_t min = k == 1 ? lead->second_min : 0x80;
      const uint8_t max = k == 1 ? lead->second_max : 0xbf;
      if (bytes[i + k] < min || bytes[i + k] > max) return false;
    }
    i += lead->more + 1u;
  }
  return true;
}

}  // namespace wherry::wasi
