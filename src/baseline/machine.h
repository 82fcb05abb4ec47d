// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "abi/convention.h"
#include "abi/trap.h"
#include "baseline/machine_moves.h"
#include "wasm/code_reader.h"

namespace wherry::baseline {

class Frame;
struct Environment;
struct CodeChunk;

// What is known of a function before its first instruction.
struct FunctionPlan {
  uint32_t index = 0;
  const wasm::FuncType* type = nullptr;
  const abi::CallLayout* layout = nullptr;
  bool has_calls = false;
  RegSet homes;                  // given to locals
  std::span<const uint32_t> zeroed;  // the locals that start as zero and have a home or a slot
};

// Whom a call goes to.
struct Callee {
  enum class Kind : uint8_t { direct, imported, indirect };
  Kind kind;
  uint32_t index;              // the function, or the type of an indirect call
  uint32_t table;              // of an indirect call
  const wasm::FuncType* type;
  const abi::CallLayout* layout;
  uint32_t offset;             // of the call in the module
};

// A back end: emits one processor's code for the instructions of one function
// after the other. Shared code keeps the control stack and decides about homes;
// a machine takes operands from the Frame and pushes results.
class Machine : public MachineMoves {
 public:
  // The bytes under the frame pointer that the machine keeps for itself.
  virtual int32_t saved_bytes(const FunctionPlan& plan) const = 0;
  virtual Reg argument_register(abi::ArgumentLocation location) const = 0;
  // The frame pointer's distance to an argument on the stack.
  virtual int32_t stack_argument_slot(uint32_t offset) const = 0;

  virtual void begin_function(const FunctionPlan& plan) = 0;  // frame, parameters, zeroed locals
  virtual void return_results() = 0;                          // the operands on top are the results
  virtual void end_function(int32_t frame_bytes) = 0;         // what lies out of line

  virtual void exchange(Reg a, Reg b) = 0;

  virtual uint32_t position() const = 0;
  virtual void jump(Label& label) = 0;
  virtual void bind(Label& label) = 0;
  // The condition under which an i32 operand is not 0, as flags; consumes it.
  virtual uint8_t condition(Value value) = 0;
  virtual uint8_t negated(uint8_t condition) const = 0;
  virtual void branch(uint8_t condition, Label& label) = 0;
  virtual void branch_table(Value index, std::span<Label* const> targets) = 0;  // the last is the default
  virtual void trap(Trap trap, uint32_t offset) = 0;

  // An instruction without control flow; `next` is the one that follows.
  virtual void instruction(const wasm::Instruction& in, const wasm::Instruction& next) = 0;
  virtual void call(const Callee& callee) = 0;
  virtual void tail_call(const Callee& callee) = 0;
};

}  // namespace wherry::baseline
