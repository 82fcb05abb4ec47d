// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shim/start_input.h"

namespace wherry::shim {

// `start`: finds the shim of the container's group or becomes it. Prints its
// address, and nothing else, on stdout. Returns the exit code: in the process
// that containerd started at once, in the server when it is done.
int start(const Flags& flags);

}  // namespace wherry::shim
