// SPDX-License-Identifier: Apache-2.0
#include "abi/build_id.h"

#include <algorithm>

#include "abi/build_id_text.h"

namespace wherry::abi {

BuildId build_id() {
  BuildId id{};
  std::copy_n(WHERRY_BUILD_ID, id.size(), id.begin());
  return id;
}

}  // namespace wherry::abi
