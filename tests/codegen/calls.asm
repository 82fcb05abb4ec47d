wasm-function[1]:
  push rbp
  mov rbp,rsp
  sub rsp,0x30
  mov QWORD PTR [rbp-0x8],rdi
  mov DWORD PTR [rbp-0x14],edx
  mov eax,0x2
  cmp eax,0x3
  jae wasm-function[1]+0x6d
  lea rcx,[rip+0x129]
  lea rax,[rcx+rax*8]
  cmp DWORD PTR [rax],0x0
  jne wasm-function[1]+0x6f
  movsxd rax,DWORD PTR [rax+0x4]
  add rax,rcx
  mov edx,DWORD PTR [rbp-0x14]
  call rax
  push rax
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x20],eax
  mov edx,DWORD PTR [rbp-0x14]
  mov rax,QWORD PTR [rdi+0x30]
  mov rsi,QWORD PTR [rdi+0x40]
  mov rdi,QWORD PTR [rdi+0x38]
  call rax
  push rax
  mov rdi,QWORD PTR [rbp-0x8]
  mov edx,eax
  call wasm-function[2]
  push rax
  add eax,DWORD PTR [rbp-0x20]
  leave
  ret 0x8
  ud2
  cmp DWORD PTR [rax],0xffffffff
  je wasm-function[1]+0x7a
  ud2
  ud2

wasm-function[2]:
  push rbp
  mov rbp,rsp
  mov r8d,edx
  mov eax,r8d
  shl eax,1
  leave
  ret 0x8

wasm-function[3]:
  push rbp
  mov rbp,rsp
  sub rsp,0x40
  mov QWORD PTR [rbp-0x8],rdi
  mov DWORD PTR [rbp-0x14],edx
  mov edx,DWORD PTR [rbp-0x14]
  leave
  jmp wasm-function[2]

wasm-function[4]:
  push rbp
  mov rbp,rsp
  mov r8d,DWORD PTR [rbp+0x20]
  mov eax,r8d
  leave
  ret 0x18

wasm-function[5]:
  push rbp
  mov rbp,rsp
  sub rsp,0x60
  mov QWORD PTR [rbp-0x8],rdi
  mov DWORD PTR [rbp-0x14],edx
  mov DWORD PTR [rsp],0x5
  mov DWORD PTR [rsp+0x8],0x6
  mov eax,DWORD PTR [rbp-0x14]
  mov DWORD PTR [rsp+0x10],eax
  mov r9d,0x4
  mov r8d,0x3
  mov ecx,0x2
  mov edx,0x1
  mov r11,QWORD PTR [rbp+0x8]
  mov r10,QWORD PTR [rbp+0x0]
  movq xmm15,QWORD PTR [rsp]
  movq QWORD PTR [rbp+0x0],xmm15
  movq xmm15,QWORD PTR [rsp+0x8]
  movq QWORD PTR [rbp+0x8],xmm15
  movq xmm15,QWORD PTR [rsp+0x10]
  movq QWORD PTR [rbp+0x10],xmm15
  mov QWORD PTR [rbp-0x8],r11
  lea rsp,[rbp-0x8]
  mov rbp,r10
  jmp wasm-function[4]
