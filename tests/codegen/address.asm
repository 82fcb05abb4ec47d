wasm-function[0]:
  push rbp
  mov rbp,rsp
  mov r8d,edx
  mov eax,DWORD PTR [rsi+0x440]
  mov ecx,r8d
  shl ecx,0x3
  xor eax,DWORD PTR [rsi+rcx*1]
  lea rcx,[r8+0x4000004]
  mov rdx,QWORD PTR [rdi+0x18]
  cmp rcx,QWORD PTR [rdx+0x8]
  ja wasm-function[0]+0x33
  xor eax,DWORD PTR [rsi+rcx*1-0x4]
  leave
  ret 0x8
  ud2

wasm-function[1]:
  push rbp
  mov rbp,rsp
  mov r8,rdx
  mov eax,r8d
  mov BYTE PTR [rsi+rax*1+0x7],0xc8
  leave
  ret 0x8
