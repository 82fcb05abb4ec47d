// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::ociruntime {

// Whether a process with or without a terminal can be made so: a detached one gives
// its terminal away on a socket, one in the foreground has it copied to ours.
Result<void> check_console(bool terminal, bool detach, const std::string& socket);

// Gives a terminal's master to whoever listens on the socket, as runc does: in blocking mode.
Result<void> send_console(const std::string& socket, UniqueFd master);

}  // namespace wherry::ociruntime
