// SPDX-License-Identifier: Apache-2.0
// See call.h.
        .intel_syntax noprefix
        .text

        .globl  contract_call
        .type   contract_call, @function
contract_call:
        push    rbp
        mov     rbp, rsp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        sub     rsp, 8
        mov     rbx, rdi
        mov     rax, [rbx + 48]         // in.rsp
        test    rax, rax
        cmovnz  rsp, rax
        and     rsp, -16
        sub     rsp, 8                  // with the area of 16n+8 bytes it is aligned
        mov     rcx, [rbx + 208]        // stack_bytes
        sub     rsp, rcx
        mov     rsi, [rbx + 200]        // stack_area
        mov     rdi, rsp
        rep movsb
        mov     r12, rsp
        mov     r13, rbp
        mov     r14, 0x1414141414141414
        mov     r15, 0x1515151515151515
        mov     rdi, [rbx]
        mov     rsi, [rbx + 8]
        mov     rdx, [rbx + 16]
        mov     rcx, [rbx + 24]
        mov     r8, [rbx + 32]
        mov     r9, [rbx + 40]
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        movups  xmm\n, [rbx + 64 + 16 * \n]
        .endr
        call    [rbx + 192]
        mov     [rbx + 224], rax
        mov     [rbx + 232], rdx
        mov     [rbx + 240], rcx
        movups  [rbx + 256], xmm0
        movups  [rbx + 272], xmm1
        movups  [rbx + 288], xmm2
        mov     rax, rsp
        sub     rax, r12
        mov     [rbx + 216], rax        // popped
        xor     eax, eax
        mov     rcx, 0x1414141414141414
        cmp     r14, rcx
        jne     1f
        mov     rcx, 0x1515151515151515
        cmp     r15, rcx
        jne     1f
        cmp     r13, rbp
        jne     1f
        mov     eax, 1
1:      mov     [rbx + 304], rax        // kept
        lea     rsp, [r13 - 40]
        mov     rbp, r13
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret
        .size   contract_call, . - contract_call

        .globl  contract_callee
        .type   contract_callee, @function
contract_callee:
        mov     r11, [rdi]              // the Record
        mov     [r11], rdi
        mov     [r11 + 8], rsi
        mov     [r11 + 16], rdx
        mov     [r11 + 24], rcx
        mov     [r11 + 32], r8
        mov     [r11 + 40], r9
        mov     [r11 + 48], rsp
        mov     [r11 + 56], rbp
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        movups  [r11 + 64 + 16 * \n], xmm\n
        .endr
        inc     qword ptr [r11 + 200]   // calls
        lea     rsi, [rsp + 8]
        lea     rdi, [r11 + 288]
        mov     ecx, 512
        rep movsb
        // Nothing but what callees keep may be relied on.
        mov     r8, -1
        mov     r9, r8
        .irp    n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        pcmpeqd xmm\n, xmm\n
        .endr
        mov     rax, [r11 + 208]
        mov     rdx, [r11 + 216]
        mov     rcx, [r11 + 224]
        movups  xmm0, [r11 + 240]
        movups  xmm1, [r11 + 256]
        movups  xmm2, [r11 + 272]
        pop     r10
        add     rsp, [r11 + 192]        // pops
        jmp     r10
        .size   contract_callee, . - contract_callee

        .section .note.GNU-stack, "", @progbits
