// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/context.h"
#include "runtime/store_context.h"
#include "runtime/x64/layout.h"

namespace wherry::runtime {

// The registers and stack of one call from host to guest, for x64/enter.S.
// integers: rdx, rcx, r8, r9 at the call and rax, rdx, rcx after it; vectors:
// xmm0 to xmm7 and xmm0 to xmm2. They are left unset where the type has none.
struct GuestCall {
  const void* code;
  abi::Context* context;
  uint8_t* memory_base;
  uint64_t stack_bytes;   // CallLayout::stack_bytes
  const uint64_t* stack;  // nullptr without stack arguments
  uint64_t unused;
  uint64_t integers[4];
  alignas(16) uint8_t vectors[8][16];
};
static_assert(offsetof(GuestCall, code) == CALL_CODE);
static_assert(offsetof(GuestCall, context) == CALL_CONTEXT);
static_assert(offsetof(GuestCall, memory_base) == CALL_MEMORY_BASE);
static_assert(offsetof(GuestCall, stack_bytes) == CALL_STACK_BYTES);
static_assert(offsetof(GuestCall, stack) == CALL_STACK);
static_assert(offsetof(GuestCall, integers) == CALL_INTEGERS);
static_assert(offsetof(GuestCall, vectors) == CALL_VECTORS);

struct EnterResult {
  uint64_t trapped;
  const void* exit_frame;  // if trapped: StoreContext::exit_frame as it was
};

extern "C" {
// Switches to the store's guest stack and calls; returns when the guest's
// function does, or when a trap ends it.
EnterResult wherry_enter(abi::StoreContext* store, GuestCall* call);
// Where a fault in guest code goes on, with the StoreContext in rdi and the
// stack pointer at its host_rsp.
void wherry_trap_exit();
// What a context's `libcall` and a host function's `code` point at.
void wherry_libcall();
void wherry_host_thunk();
void wherry_host_thunk_integers();

// All of the assembly, and the parts of it between the test for an interrupt and
// guest code: a signal there counts as one in guest code.
extern const uint8_t wherry_stubs_begin[], wherry_stubs_end[];
extern const uint8_t wherry_enter_window_begin[], wherry_enter_window_end[];
extern const uint8_t wherry_libcall_window_begin[], wherry_libcall_window_end[];
extern const uint8_t wherry_host_window_begin[], wherry_host_window_end[];
extern const uint8_t wherry_host_integers_window_begin[], wherry_host_integers_window_end[];
}

}  // namespace wherry::runtime
