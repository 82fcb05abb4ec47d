// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "abi/context.h"

// The contract's registers, by hand: calls code as convention.h says, and a
// callee that writes down how it was called. The offsets are call.S's.
namespace wherry::test {

struct Registers {
  uint64_t integers[6];  // rdi rsi rdx rcx r8 r9
  uint64_t rsp;
  uint64_t rbp;
  abi::Value vectors[8];
};
static_assert(sizeof(Registers) == 192);

struct Results {
  uint64_t integers[3];  // rax rdx rcx
  uint64_t unused;
  abi::Value vectors[3];
};
static_assert(sizeof(Results) == 80);

struct Call {
  Registers in;  // rsp: the stack to call on, 0 for this one
  const void* code;
  const uint8_t* stack_area;
  uint64_t stack_bytes;
  uint64_t popped;  // set: what the callee took from the stack
  Results out;
  uint64_t kept;  // set: 1 if the registers that callees keep were kept
  uint64_t unused;
};
static_assert(offsetof(Call, code) == 192 && offsetof(Call, out) == 224 && offsetof(Call, kept) == 304);

extern "C" void contract_call(Call* call);

// What contract_callee is told and tells; its context begins with a pointer to one.
struct Record {
  static constexpr size_t kStackBytes = 512;

  Registers in;
  uint64_t pops;
  uint64_t calls;
  Results out;
  uint8_t stack[kStackBytes];  // from the first byte behind the return address
};
static_assert(offsetof(Record, pops) == 192 && offsetof(Record, out) == 208 && offsetof(Record, stack) == 288);

extern "C" void contract_callee();

}  // namespace wherry::test
