// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

namespace wherry {

std::string printable(std::string_view text, size_t most) {
  std::string out(text.substr(0, most));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  return out;
}

}  // namespace wherry
