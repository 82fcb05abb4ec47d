// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "wasm/types.h"

// The calling convention of compiled functions: LLVM's tailcc with the context
// and the base of memory 0 as the first two parameters. On x86-64:
//
//   rdi context, rsi memory base (of memory 0; undefined without one)
//   integers and references in rdx, rcx, r8, r9; floats and vectors in xmm0-xmm7;
//   the rest on the stack in order, 8 bytes each, vectors 16 and 16-aligned
//   the upper 32 bits of an i32, and all beyond an f32 or f64, are undefined
//   the callee pops its stack area, which is 16n+8 bytes, thus 8 even without
//   stack parameters (`ret 8`); with a vector in it, the arguments are padded to
//   16 bytes before those 8 (see stack_padding); at the call rsp is 16-aligned, as in C
//   up to three results: integers in rax, rdx, rcx, floats and vectors in
//   xmm0-xmm2; with more, the caller passes the address of 16 bytes for each
//   result as the third parameter (rdx) and all of them go there
//   rbx, rbp and r12-r15 are kept; rbp links the frames of every function
namespace wherry::abi {

inline constexpr uint32_t kMaxRegisterResults = 3;

struct ArgumentLocation {
  enum class Kind : uint8_t { integer_register, vector_register, stack };
  Kind kind;
  uint32_t index;  // the n-th register of its kind, or the offset in the stack area
};

// Where the parameters and results of a function type are.
struct CallLayout {
  static constexpr uint32_t kIntegerRegisters = 4;  // after context and base
  static constexpr uint32_t kVectorRegisters = 8;

  explicit CallLayout(const wasm::FuncType& type);

  std::vector<ArgumentLocation> params;
  std::vector<ArgumentLocation> results;  // with result_area: stack, 16 * the result's number
  bool result_area = false;               // its address takes the first integer register
  uint32_t stack_bytes = 8;               // what the callee pops, 16n+8: all of it may be arguments
  uint32_t stack_arguments = 0;           // bytes of it that are
  // With a vector on the stack, 8 bytes are missing to a multiple of 16. In LLVM's
  // functions a last `double` fills them, or its callers and callees would disagree
  // about stack_bytes (docs/design/abi.md).
  bool stack_padding = false;
};

}  // namespace wherry::abi
