// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shim/flags.h"

namespace wherry::shim {

// `delete`: takes away what is left of one container, whatever state its shim is
// in: init process, cgroup, mounts, and the socket if nobody listens on it. Part
// of every normal deletion too, when nothing is left. Prints a DeleteResponse.
// Other containers and a live shim are not touched.
int delete_bundle(const Flags& flags);

}  // namespace wherry::shim
