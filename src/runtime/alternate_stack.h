// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace wherry::runtime {

// Gives this thread a stack for signal handlers, unless it has one, because a
// guest's stack may be full. It goes with the thread.
void ensure_alternate_stack();

// Whether the address lies in this thread's; async-signal-safe.
bool on_alternate_stack(const void* address);

}  // namespace wherry::runtime
