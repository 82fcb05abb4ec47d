// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "abi/trap.h"
#include "base/result.h"
#include "runtime/store_context.h"

// The signal handlers: what a fault in guest code becomes, and how a running
// guest is stopped. Handlers belong to the process; the first store installs them.
//
// A fault is the guest's only if it happened in compiled code of the store that
// this thread runs, at an address past the end of one of its memories or in its
// stack's guard, or at an instruction of the trap table. Any other goes to the
// handler that was there before, or kills the process.
namespace wherry::runtime {

// SIGSEGV, SIGBUS, SIGILL, SIGFPE and interrupt_signal(); once.
Result<void> install_signal_handlers();
// The real-time signal that interrupts guest code.
int interrupt_signal();

// Marks the store whose guest code this thread runs from now on; returns the one
// that it ran before, for leave_thread(). A thread's first time unblocks the
// signals above and gives it an alternate stack.
abi::StoreContext* enter_thread(abi::StoreContext* context);
void leave_thread(abi::StoreContext* outer);
// Makes this thread the receiver of interrupts of the store. Either the interrupt
// flag is seen by the test that follows, or the sender sees the thread.
void publish_thread(abi::StoreContext& context);
// The sender's part: a signal to the thread that runs guest code, if one does.
// Async-signal-safe.
void signal_thread(abi::StoreContext& context);

// Notes a trap that host code raises in a guest's call; the return to guest code
// then ends the call instead.
void raise(abi::StoreContext& context, Trap trap);

}  // namespace wherry::runtime
