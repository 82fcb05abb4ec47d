wasm-function[0]:
  push rbp
  mov rbp,rsp
  mov r8d,edx
  movabs rax,0x199999999999999a
  mul r8
  mov eax,edx
  leave
  ret 0x8

wasm-function[1]:
  push rbp
  mov rbp,rsp
  mov r8d,edx
  mov eax,r8d
  sar eax,0x1f
  shr eax,0x1d
  add eax,r8d
  sar eax,0x3
  shl eax,0x3
  mov ecx,r8d
  sub ecx,eax
  mov eax,ecx
  leave
  ret 0x8

wasm-function[2]:
  push rbp
  mov rbp,rsp
  mov r8,rdx
  mov r9,rcx
  mov rax,r8
  test r9,r9
  je wasm-function[2]+0x37
  cmp r9,0xffffffffffffffff
  jne wasm-function[2]+0x2e
  neg rax
  jo wasm-function[2]+0x39
  jmp wasm-function[2]+0x33
  cqo
  idiv r9
  leave
  ret 0x8
  ud2
  ud2
