// SPDX-License-Identifier: Apache-2.0
// The ways between host and guest code; guest_call.h says what each is for,
// abi/convention.h how guest code calls.
#include "runtime/x64/layout.h"

.intel_syntax noprefix
.text

.macro function name
  .globl \name
  .type \name, @function
  .balign 32
\name:
  .cfi_startproc
.endm

.macro end_function name
  .cfi_endproc
  .size \name, . - \name
.endm

.macro label name
  .globl \name
\name:
.endm

label wherry_stubs_begin

// EnterResult wherry_enter(StoreContext* rdi, GuestCall* rsi)
function wherry_enter
  push rbp
  .cfi_def_cfa_offset 16
  .cfi_offset rbp, -16
  mov rbp, rsp
  .cfi_def_cfa_register rbp
  push rbx
  push r12
  push r13
  push r14
  push r15
  // Read back by Store::record_fault for the frames of outer entries.
  push [rdi + STORE_HOST_RSP]
  push [rdi + STORE_GUEST_RSP]
  push [rdi + STORE_EXIT_FRAME]
  mov rbx, rdi
  mov r12, rsi
  mov rax, [rdi + STORE_GUEST_RSP]
  mov qword ptr [rdi + STORE_EXIT_FRAME], 0
  mov [rdi + STORE_HOST_RSP], rsp
label wherry_enter_window_begin
  cmp qword ptr [rdi + STORE_PENDING], 0
  jne wherry_trap_exit
  mov rcx, [rsi + CALL_STACK_BYTES]
  lea rsp, [rax - 8]
  sub rsp, rcx
  cmp qword ptr [rsi + CALL_STACK], 0
  jne .Lcopy_stack
.Lload_registers:
  movaps xmm0, [rsi + CALL_VECTORS]
  movaps xmm1, [rsi + CALL_VECTORS + 16]
  movaps xmm2, [rsi + CALL_VECTORS + 32]
  movaps xmm3, [rsi + CALL_VECTORS + 48]
  movaps xmm4, [rsi + CALL_VECTORS + 64]
  movaps xmm5, [rsi + CALL_VECTORS + 80]
  movaps xmm6, [rsi + CALL_VECTORS + 96]
  movaps xmm7, [rsi + CALL_VECTORS + 112]
  mov rdx, [rsi + CALL_INTEGERS]
  mov rcx, [rsi + CALL_INTEGERS + 8]
  mov r8, [rsi + CALL_INTEGERS + 16]
  mov r9, [rsi + CALL_INTEGERS + 24]
  mov rdi, [rsi + CALL_CONTEXT]
  mov rax, [rsi + CALL_CODE]
  mov rsi, [rsi + CALL_MEMORY_BASE]
  call rax
label wherry_enter_window_end
  mov [r12 + CALL_INTEGERS], rax
  mov [r12 + CALL_INTEGERS + 8], rdx
  mov [r12 + CALL_INTEGERS + 16], rcx
  movaps [r12 + CALL_VECTORS], xmm0
  movaps [r12 + CALL_VECTORS + 16], xmm1
  movaps [r12 + CALL_VECTORS + 32], xmm2
  xor eax, eax
.Lleave:
  mov rsp, [rbx + STORE_HOST_RSP]
  pop [rbx + STORE_EXIT_FRAME]
  pop [rbx + STORE_GUEST_RSP]
  pop [rbx + STORE_HOST_RSP]
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbx
  pop rbp
  .cfi_remember_state
  .cfi_def_cfa rsp, 8
  ret
  .cfi_restore_state

.Lcopy_stack:
  mov r11, [rsi + CALL_STACK]
  xor edx, edx
1:
  mov r10, [r11 + rdx]
  mov [rsp + rdx], r10
  add rdx, 8
  cmp rdx, rcx
  jb 1b
  jmp .Lload_registers

label wherry_trap_exit
  mov rbx, rdi
  mov rdx, [rbx + STORE_EXIT_FRAME]
  mov eax, 1
  jmp .Lleave
end_function wherry_enter

// From guest to host: rdi points at the StoreContext's address. Leaves the frame
// record for backtraces, r10 = StoreContext, and the host's stack.
.macro leave_guest
  push rbp
  .cfi_def_cfa_offset 16
  .cfi_offset rbp, -16
  mov rbp, rsp
  .cfi_def_cfa_register rbp
  mov r10, [rdi]
  mov [r10 + STORE_EXIT_FRAME], rbp
  mov r11, rsp
  and r11, -16
  mov [r10 + STORE_GUEST_RSP], r11
  mov rsp, [r10 + STORE_HOST_RSP]
.endm

// Back again, if nothing happened meanwhile; between this and guest code the
// window has no effect that leaving could not undo.
.macro return_to_guest
  cmp qword ptr [r10 + STORE_PENDING], 0
  jne .Labandon
  mov rsp, rbp
  pop rbp
  .cfi_def_cfa rsp, 8
.endm

// The runtime's libcall number eax; arguments as in C.
function wherry_libcall
  leave_guest
  push r10
  push rbp
  lea r11, [rip + wherry_libcalls]
  call [r11 + rax * 8]
  pop rbp
  pop r10
label wherry_libcall_window_begin
  return_to_guest
  ret
label wherry_libcall_window_end
end_function wherry_libcall

// Any host function; rdi = HostContext.
function wherry_host_thunk
  leave_guest
  sub rsp, FRAME_SIZE
  mov [rsp + FRAME_INTEGERS], rdx
  mov [rsp + FRAME_INTEGERS + 16], rcx
  mov [rsp + FRAME_INTEGERS + 32], r8
  mov [rsp + FRAME_INTEGERS + 48], r9
  movaps [rsp + FRAME_VECTORS], xmm0
  movaps [rsp + FRAME_VECTORS + 16], xmm1
  movaps [rsp + FRAME_VECTORS + 32], xmm2
  movaps [rsp + FRAME_VECTORS + 48], xmm3
  movaps [rsp + FRAME_VECTORS + 64], xmm4
  movaps [rsp + FRAME_VECTORS + 80], xmm5
  movaps [rsp + FRAME_VECTORS + 96], xmm6
  movaps [rsp + FRAME_VECTORS + 112], xmm7
  mov [rsp + FRAME_STORE], r10
  mov rsi, rsp
  lea rdx, [rbp + 16]
  call wherry_call_host
  mov r11, rax
  mov rax, [rsp + FRAME_INTEGERS]
  mov rdx, [rsp + FRAME_INTEGERS + 16]
  mov rcx, [rsp + FRAME_INTEGERS + 32]
  movaps xmm0, [rsp + FRAME_VECTORS]
  movaps xmm1, [rsp + FRAME_VECTORS + 16]
  movaps xmm2, [rsp + FRAME_VECTORS + 32]
  mov r10, [rsp + FRAME_STORE]
label wherry_host_window_begin
  return_to_guest
  // Pop r11 bytes behind the return address: `ret` with a variable operand.
  mov r10, [rsp]
  add rsp, r11
  mov [rsp], r10
  ret
label wherry_host_window_end
end_function wherry_host_thunk

// A host function with up to four integers and at most one integer result.
function wherry_host_thunk_integers
  leave_guest
  sub rsp, 96
  mov [rsp], rdx
  mov [rsp + 16], rcx
  mov [rsp + 32], r8
  mov [rsp + 48], r9
  mov [rsp + 80], r10
  mov rsi, rsp
  call wherry_call_host_integers
  mov rax, [rsp + 64]
  mov r10, [rsp + 80]
label wherry_host_integers_window_begin
  return_to_guest
  ret 8
label wherry_host_integers_window_end
end_function wherry_host_thunk_integers

.Labandon:
  mov rdi, r10
  jmp wherry_trap_exit

label wherry_stubs_end

.section .note.GNU-stack, "", @progbits
