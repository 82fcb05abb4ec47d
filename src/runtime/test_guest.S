// SPDX-License-Identifier: Apache-2.0
// See test_guest.h.
.intel_syntax noprefix
.section .rodata

#define IMPORT0 48 /* Context: the first imported function's FuncRef */

.macro begin name
  .globl guest_\name
  .balign 16
guest_\name:
  push rbp
  mov rbp, rsp
.endm

.macro finish name, pops=8
  pop rbp
  ret \pops
  .globl guest_\name\()_end
guest_\name\()_end:
.endm

begin add
  lea eax, [rdx + rcx]
finish add

// i64: rdx rcx r8 r9, two on the stack; f64: xmm0-7, two on the stack; v128 there
// too, at the next multiple of 16. Result: a + 2b + 3c + 4d + 5e + 6f + the sum of
// the floats + the vector's low half.
begin many
  lea rax, [rdx + 2 * rcx]
  lea rax, [rax + 2 * r8]
  add rax, r8
  lea rax, [rax + 4 * r9]
  imul r10, [rbp + 16], 5
  add rax, r10
  imul r10, [rbp + 24], 6
  add rax, r10
  addsd xmm0, xmm1
  addsd xmm0, xmm2
  addsd xmm0, xmm3
  addsd xmm0, xmm4
  addsd xmm0, xmm5
  addsd xmm0, xmm6
  addsd xmm0, xmm7
  addsd xmm0, [rbp + 32]
  addsd xmm0, [rbp + 40]
  cvtsd2si r10, xmm0
  add rax, r10
  add rax, [rbp + 48]
finish many, 56

// Its one stack argument fills the eight bytes that every function pops.
begin fifth
  mov rax, [rbp + 16]
finish fifth

begin five
  mov qword ptr [rdx], 1
  mov qword ptr [rdx + 16], 2
  mov qword ptr [rdx + 32], 3
  mov qword ptr [rdx + 48], 4
  mov qword ptr [rdx + 64], 5
finish five

begin load
  mov edx, edx
  mov rax, [rsi + rdx]
finish load

begin trap
  .globl guest_trap_at
guest_trap_at:
  ud2
finish trap

begin divide
  mov eax, edx
  xor edx, edx
  .globl guest_divide_at
guest_divide_at:
  div ecx
finish divide

begin loop
1: jmp 1b
finish loop

  .balign 16
.Lrecurse_again:
begin recurse
  sub rsp, 16
  call .Lrecurse_again
finish recurse

  .balign 16
.Lbig_frames:
begin big_frames
  mov eax, 50
1:
  sub rsp, 4096
  or qword ptr [rsp], 0
  dec eax
  jnz 1b
  call .Lbig_frames
finish big_frames

begin call_import
  sub rsp, 16
  mov r11, rdi
  mov rdi, [r11 + IMPORT0 + 8]
  mov rsi, [r11 + IMPORT0 + 16]
  call [r11 + IMPORT0]
  mov rsp, rbp
finish call_import

begin loop_import
  push rbx
  mov rbx, rdi
1:
  sub rsp, 8
  mov rdi, [rbx + IMPORT0 + 8]
  call [rbx + IMPORT0]
  jmp 1b
finish loop_import

  .globl guest_tail_import
guest_tail_import:
  mov rsi, [rdi + IMPORT0 + 16]
  mov rax, [rdi + IMPORT0]
  mov rdi, [rdi + IMPORT0 + 8]
  jmp rax
  .globl guest_tail_import_end
guest_tail_import_end:

begin grow
  mov eax, 0
  xor esi, esi
  mov edx, edx
  call [rdi + 8]
finish grow

begin loop_grow
  push rbx
  push rbx
  mov rbx, rdi
1:
  mov rdi, rbx
  mov eax, 0
  xor esi, esi
  xor edx, edx
  call [rbx + 8]
  jmp 1b
finish loop_grow

begin null_load
  xor eax, eax
  .globl guest_null_load_at
guest_null_load_at:
  mov eax, [rax + 24]
finish null_load

begin wild_load
  mov rax, [rdx]
finish wild_load

.section .note.GNU-stack, "", @progbits
