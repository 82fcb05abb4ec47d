// SPDX-License-Identifier: Apache-2.0
#include "baseline/x64/stubs.h"

#include <cstddef>

#include "abi/context.h"
#include "baseline/x64/assembler.h"

namespace wherry::baseline::x64 {

void append_import_stub(std::vector<uint8_t>& code, uint32_t offset) {
  Assembler a;
  const auto at = [&](size_t member) { return x86::Mem(x86::rdi, static_cast<int32_t>(offset + member), 8); };
  a.mov(x86::rax, at(offsetof(abi::FuncRef, code)));
  a.mov(x86::rsi, at(offsetof(abi::FuncRef, memory_base)));
  a.mov(x86::rdi, at(offsetof(abi::FuncRef, context)));
  a.jmp(x86::rax);
  code.insert(code.end(), a.data(), a.data() + a.position());
}

}  // namespace wherry::baseline::x64
