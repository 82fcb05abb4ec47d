// SPDX-License-Identifier: Apache-2.0
// Offsets for the assembly; checked against the structures in C++ (guest_call.h,
// store_context.h, host_context.h).
#define STORE_HOST_RSP 0
#define STORE_GUEST_RSP 8
#define STORE_EXIT_FRAME 16
#define STORE_PENDING 24 /* trap and interrupt in one word */

#define CALL_CODE 0
#define CALL_CONTEXT 8
#define CALL_MEMORY_BASE 16
#define CALL_STACK_BYTES 24
#define CALL_STACK 32
#define CALL_INTEGERS 48
#define CALL_VECTORS 80

/* HostFrame */
#define FRAME_INTEGERS 0
#define FRAME_VECTORS 64
#define FRAME_RESULTS 192
#define FRAME_STORE 240
#define FRAME_SIZE 256
