// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init/guest.h"

namespace wherry::sandbox {

Result<std::unique_ptr<Guest>> load_guest(GuestConfig) {
  return error(ErrorKind::unsupported, "this build has no engine");
}

}  // namespace wherry::sandbox
