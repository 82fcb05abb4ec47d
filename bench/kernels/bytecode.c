// SPDX-License-Identifier: Apache-2.0
// An interpreter's loop: a register machine's code, dispatched by one switch.
#include "kernel.h"

enum Op { kLoadConstant, kMove, kAdd, kSubtract, kMultiply, kXor, kShift, kLess, kJump, kJumpIf, kLoad, kStore, kCall, kReturn, kHalt };
typedef struct {
  uint8_t op, a, b, c;
  int32_t immediate;
} Instruction;

enum { kMemory = 1024, kDepth = 64, kRegisters = 16 };
static int64_t memory[kMemory];
static int64_t stack[kDepth][kRegisters];
static int32_t return_to[kDepth];

static int64_t run(const Instruction* code) {
  int32_t pc = 0;
  int depth = 0;
  int64_t* r = stack[0];
  for (;;) {
    const Instruction i = code[pc++];
    switch (i.op) {
      case kLoadConstant: r[i.a] = i.immediate; break;
      case kMove: r[i.a] = r[i.b]; break;
      case kAdd: r[i.a] = r[i.b] + r[i.c]; break;
      case kSubtract: r[i.a] = r[i.b] - r[i.c]; break;
      case kMultiply: r[i.a] = (int64_t)((uint64_t)r[i.b] * (uint64_t)r[i.c]); break;
      case kXor: r[i.a] = r[i.b] ^ r[i.c]; break;
      case kShift: r[i.a] = (int64_t)((uint64_t)r[i.b] >> i.c); break;
      case kLess: r[i.a] = r[i.b] < r[i.c]; break;
      case kJump: pc = i.immediate; break;
      case kJumpIf: if (r[i.a]) pc = i.immediate; break;
      case kLoad: r[i.a] = memory[r[i.b] & (kMemory - 1)]; break;
      case kStore: memory[r[i.b] & (kMemory - 1)] = r[i.a]; break;
      case kCall:
        return_to[depth++] = pc;
        stack[depth][0] = r[i.a], stack[depth][1] = r[i.b];
        r = stack[depth], pc = i.immediate;
        break;
      case kReturn: {
        const int64_t result = r[i.a];
        r = stack[--depth], pc = return_to[depth], r[15] = result;
        break;
      }
      case kHalt: return r[i.a];
    }
  }
}

enum { kLoop = 4, kFunction = 13, kElse = 19 };

// for n in 0..r1: r15 = f(n, sum); memory[n] ^= r15; sum += memory[n]
static const Instruction kProgram[] = {
    {kLoadConstant, 0, 0, 0, 0},
    {kLoadConstant, 1, 0, 0, 5000000},
    {kLoadConstant, 2, 0, 0, 1},
    {kLoadConstant, 3, 0, 0, 12345},
    /* kLoop */ {kCall, 0, 3, 0, kFunction},
    {kLoad, 4, 0, 0, 0},
    {kXor, 4, 4, 15, 0},
    {kStore, 4, 0, 0, 0},
    {kAdd, 3, 3, 4, 0},
    {kAdd, 0, 0, 2, 0},
    {kLess, 5, 0, 1, 0},
    {kJumpIf, 5, 0, 0, kLoop},
    {kHalt, 3, 0, 0, 0},
    /* kFunction */ {kMultiply, 2, 0, 1, 0},
    {kShift, 3, 2, 7, 0},
    {kXor, 2, 2, 3, 0},
    {kLess, 4, 0, 1, 0},
    {kJumpIf, 4, 0, 0, kElse},
    {kSubtract, 2, 2, 1, 0},
    /* kElse */ {kReturn, 2, 0, 0, 0},
};

int main(void) { return finish((uint64_t)run(kProgram)); }
