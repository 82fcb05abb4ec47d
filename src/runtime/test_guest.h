// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "runtime/test_artifact.h"

#define CODE(name) ::wherry::runtime::test::code_between(guest_##name, guest_##name##_end)

// Guest functions by hand (test_guest.S), in the convention of abi/convention.h.
// NAME and NAME_end bound the code, which may stand anywhere.
extern "C" {
#define GUEST(name) extern const uint8_t guest_##name[], guest_##name##_end[];
GUEST(add)             // (i32, i32) -> i32
GUEST(fifth)           // (i64 x 5) -> i64: the last
GUEST(many)            // (i64 x 6, f64 x 10, v128) -> i64: a weighted sum
GUEST(five)            // () -> five i64: 1 to 5, through a result area
GUEST(load)            // (i32) -> i64: 8 bytes of memory 0
GUEST(trap)            // (): ud2 at guest_trap_at
GUEST(divide)          // (i32, i32) -> i32: faults at guest_divide_at
GUEST(loop)            // (): for ever
GUEST(recurse)         // (): calls itself for ever
GUEST(big_frames)      // (): the same with frames of 200 KiB that probe each page
GUEST(call_import)     // (i32) -> i32: calls imported function 0
GUEST(loop_import)     // (): calls imported function 0 for ever
GUEST(grow)            // (i32) -> i64: libcall memory_grow on memory 0
GUEST(loop_grow)       // (): grows by no page for ever
GUEST(tail_import)     // of any type: tail-calls imported function 0, which has the same
GUEST(null_load)       // (): loads through a null reference at guest_null_load_at
GUEST(wild_load)       // (i64): loads from any address
#undef GUEST
extern const uint8_t guest_trap_at[], guest_divide_at[], guest_null_load_at[];
}
