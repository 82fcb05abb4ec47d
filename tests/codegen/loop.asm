wasm-function[0]:
  push rbp
  mov rbp,rsp
  mov QWORD PTR [rbp-0x8],rbx
  mov r10d,edx
  mov ebx,ecx
  xor r9d,r9d
  xor r8d,r8d
  cmp r8d,ebx
  jae wasm-function[0]+0x2a
  lea eax,[r10+r8*4]
  add r9d,DWORD PTR [rsi+rax*1]
  add r8d,0x1
  jmp wasm-function[0]+0x13
  mov eax,r9d
  mov rbx,QWORD PTR [rbp-0x8]
  leave
  ret 0x8
