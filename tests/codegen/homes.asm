wasm-function[0]:
  push rbp
  mov rbp,rsp
  movsd xmm6,QWORD PTR [rip+0x414]
  movsd xmm7,QWORD PTR [rip+0x41c]
  movsd xmm8,QWORD PTR [rip+0x423]
  movsd xmm9,QWORD PTR [rip+0x42a]
  movsd xmm10,QWORD PTR [rip+0x431]
  movsd xmm11,QWORD PTR [rip+0x438]
  movsd xmm12,QWORD PTR [rip+0x43f]
  movsd xmm13,QWORD PTR [rip+0x446]
  mov DWORD PTR [rbp-0x8],0x0
  mov DWORD PTR [rbp-0x4],0x405b0000
  mov DWORD PTR [rbp-0x10],0x0
  mov DWORD PTR [rbp-0xc],0x405b4000
  mov DWORD PTR [rbp-0x18],0x0
  mov DWORD PTR [rbp-0x14],0x405b8000
  mov DWORD PTR [rbp-0x20],0x0
  mov DWORD PTR [rbp-0x1c],0x405bc000
  addsd xmm6,xmm7
  addsd xmm7,xmm8
  addsd xmm8,xmm9
  addsd xmm9,xmm10
  addsd xmm10,xmm11
  addsd xmm11,xmm12
  addsd xmm12,xmm13
  addsd xmm13,QWORD PTR [rbp-0x8]
  movsd xmm0,QWORD PTR [rbp-0x8]
  addsd xmm0,QWORD PTR [rbp-0x10]
  movsd QWORD PTR [rbp-0x8],xmm0
  movsd xmm0,QWORD PTR [rbp-0x10]
  addsd xmm0,QWORD PTR [rbp-0x18]
  movsd QWORD PTR [rbp-0x10],xmm0
  movsd xmm0,QWORD PTR [rbp-0x18]
  addsd xmm0,QWORD PTR [rbp-0x20]
  movsd QWORD PTR [rbp-0x18],xmm0
  movaps xmm0,xmm6
  addsd xmm0,QWORD PTR [rbp-0x20]
  movsd QWORD PTR [rbp-0x20],xmm0
  movsd xmm0,QWORD PTR [rip+0x3b4]
  ucomisd xmm0,xmm6
  ja wasm-function[0]+0x82
  leave
  ret 0x8

wasm-function[1]:
  push rbp
  mov rbp,rsp
  sub rsp,0x30
  mov QWORD PTR [rbp-0x8],rdi
  movss DWORD PTR [rbp-0x14],xmm0
  movss DWORD PTR [rbp-0x18],xmm1
  mov DWORD PTR [rbp-0x1c],edx
  movss xmm0,DWORD PTR [rbp-0x18]
  movaps xmm6,xmm0
  xorps xmm6,XMMWORD PTR [rip+0x385]
  movss DWORD PTR [rbp-0x20],xmm6
  call wasm-function[0]
  push rax
  cmp DWORD PTR [rbp-0x1c],0x0
  movss xmm6,DWORD PTR [rbp-0x20]
  movss xmm0,DWORD PTR [rbp-0x14]
  jne wasm-function[1]+0x4d
  movaps xmm0,xmm6
  addss xmm0,xmm6
  leave
  ret 0x8

wasm-function[2]:
  push rbp
  mov rbp,rsp
  sub rsp,0x40
  mov QWORD PTR [rbp-0x8],rdi
  movsd QWORD PTR [rbp-0x18],xmm0
  movsd QWORD PTR [rbp-0x20],xmm1
  mov DWORD PTR [rbp-0x2c],edx
  movsd xmm0,QWORD PTR [rbp-0x20]
  movaps xmm6,xmm0
  xorps xmm6,XMMWORD PTR [rip+0x335]
  movsd QWORD PTR [rbp-0x28],xmm6
  call wasm-function[0]
  push rax
  cmp DWORD PTR [rbp-0x2c],0x0
  movsd xmm6,QWORD PTR [rbp-0x28]
  movsd xmm0,QWORD PTR [rbp-0x18]
  jne wasm-function[2]+0x4d
  movaps xmm0,xmm6
  addsd xmm0,xmm6
  leave
  ret 0x8

wasm-function[3]:
  push rbp
  mov rbp,rsp
  sub rsp,0x60
  mov QWORD PTR [rbp-0x8],rdi
  movups XMMWORD PTR [rbp-0x20],xmm0
  movups XMMWORD PTR [rbp-0x30],xmm1
  mov DWORD PTR [rbp-0x44],edx
  movups xmm0,XMMWORD PTR [rbp-0x30]
  pxor xmm15,xmm15
  psubq xmm15,xmm0
  movaps xmm6,xmm15
  movups XMMWORD PTR [rbp-0x40],xmm6
  call wasm-function[0]
  push rax
  cmp DWORD PTR [rbp-0x44],0x0
  movups xmm6,XMMWORD PTR [rbp-0x40]
  movups xmm0,XMMWORD PTR [rbp-0x20]
  jne wasm-function[3]+0x4b
  movaps xmm0,xmm6
  paddq xmm0,xmm6
  leave
  ret 0x8

wasm-function[4]:
  push rbp
  mov rbp,rsp
  sub rsp,0x40
  mov QWORD PTR [rbp-0x8],rdi
  mov QWORD PTR [rbp-0x18],rdx
  mov QWORD PTR [rbp-0x20],rcx
  mov DWORD PTR [rbp-0x2c],r8d
  xor r8d,r8d
  sub r8,QWORD PTR [rbp-0x20]
  mov QWORD PTR [rbp-0x28],r8
  call wasm-function[0]
  push rax
  cmp DWORD PTR [rbp-0x2c],0x0
  mov rax,QWORD PTR [rbp-0x18]
  mov r8,QWORD PTR [rbp-0x28]
  cmove rax,r8
  add rax,r8
  leave
  ret 0x8

wasm-function[5]:
  push rbp
  mov rbp,rsp
  sub rsp,0x90
  mov QWORD PTR [rbp-0x8],rdi
  mov edx,0x1
  movss xmm1,DWORD PTR [rip+0x244]
  movss xmm0,DWORD PTR [rip+0x24c]
  call wasm-function[1]
  push rax
  ucomiss xmm0,DWORD PTR [rip+0x24f]
  mov eax,0x1
  jp wasm-function[5]+0x3f
  setne al
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x20],eax
  xor edx,edx
  movss xmm1,DWORD PTR [rip+0x210]
  movss xmm0,DWORD PTR [rip+0x218]
  call wasm-function[1]
  push rax
  ucomiss xmm0,DWORD PTR [rip+0x22b]
  mov eax,0x1
  jp wasm-function[5]+0x73
  setne al
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x30],eax
  mov edx,0x1
  movsd xmm1,QWORD PTR [rip+0x219]
  movsd xmm0,QWORD PTR [rip+0x221]
  call wasm-function[2]
  push rax
  ucomisd xmm0,QWORD PTR [rip+0x223]
  mov eax,0x1
  jp wasm-function[5]+0xab
  setne al
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x40],eax
  xor edx,edx
  movsd xmm1,QWORD PTR [rip+0x1e4]
  movsd xmm0,QWORD PTR [rip+0x1ec]
  call wasm-function[2]
  push rax
  ucomisd xmm0,QWORD PTR [rip+0x1fe]
  mov eax,0x1
  jp wasm-function[5]+0xe0
  setne al
  movaps xmm0,XMMWORD PTR [rip+0x1f9]
  movaps xmm1,XMMWORD PTR [rip+0x202]
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x50],eax
  mov edx,0x1
  call wasm-function[3]
  push rax
  movaps xmm1,XMMWORD PTR [rip+0x1f9]
  pxor xmm0,xmm1
  ptest xmm0,xmm0
  setne al
  movzx eax,al
  movaps xmm0,XMMWORD PTR [rip+0x1c3]
  movaps xmm1,XMMWORD PTR [rip+0x1cc]
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x60],eax
  xor edx,edx
  call wasm-function[3]
  push rax
  movaps xmm1,XMMWORD PTR [rip+0x1d6]
  pxor xmm0,xmm1
  ptest xmm0,xmm0
  setne al
  movzx eax,al
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x70],eax
  mov r8d,0x1
  mov ecx,0x3
  mov edx,0x5
  call wasm-function[4]
  push rax
  cmp rax,0x2
  setne al
  movzx eax,al
  mov rdi,QWORD PTR [rbp-0x8]
  mov DWORD PTR [rbp-0x80],eax
  xor r8d,r8d
  mov ecx,0x3
  mov edx,0x5
  call wasm-function[4]
  push rax
  cmp rax,0xfffffffffffffffa
  setne al
  movzx eax,al
  add eax,DWORD PTR [rbp-0x80]
  add eax,DWORD PTR [rbp-0x70]
  add eax,DWORD PTR [rbp-0x60]
  add eax,DWORD PTR [rbp-0x50]
  add eax,DWORD PTR [rbp-0x40]
  add eax,DWORD PTR [rbp-0x30]
  add eax,DWORD PTR [rbp-0x20]
  leave
  ret 0x8
  pop rcx
  rex add BYTE PTR [rax],al
  add BYTE PTR [rax+0x59],al
  rex add BYTE PTR [rax],al
  add BYTE PTR [rax+0x4059],al
  add al,al
  pop rcx
  rex add BYTE PTR [rax],al
  pop rdx
  rex add BYTE PTR [rax],al
  add BYTE PTR [rax+0x5a],al
  rex add BYTE PTR [rax],al
  add BYTE PTR [rax+0x405a],al
  add al,al
  pop rdx
  rex add BYTE PTR [rax],al
  add BYTE PTR [rax-0x71],al
  rex add BYTE PTR [rax],al
  add BYTE PTR [rax-0x80000000],al
  add BYTE PTR [rax-0x80000000],al
  add BYTE PTR [rax+0x0],al
  add BYTE PTR [rax+0x40400000],al
  movabs al,ds:0x40
  rex add BYTE PTR [rax],al
  rol al,0x0
  add BYTE PTR [rax],cl
  rex add BYTE PTR [rax],al
  adc al,0x40
  add BYTE PTR [rax+0x0],al
  add BYTE PTR [rax],bl
  rol BYTE PTR [rax],0x0
  add eax,0x0
  add BYTE PTR [rdi],al
  add BYTE PTR [rbx],al
  add BYTE PTR [rax+rax*1],al
  add al,BYTE PTR [rax]
  add eax,DWORD PTR [rax]
  cli
  (bad)
  (bad)
  (bad)
  (bad)
  (bad)
  (bad)
  (bad)
  clc
  (bad)
  (bad)
  (bad)
  (bad)
  (bad)
  (bad)
  .byte 0xff
