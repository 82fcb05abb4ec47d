// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.h"
#include "baseline/call_layouts.h"
#include "baseline/control.h"
#include "baseline/environment.h"
#include "baseline/frame.h"
#include "baseline/machine.h"
#include "baseline/survey.h"

namespace wherry::baseline {

// Compiles one validated function after the other into its machine's chunk: one
// pass after the survey. Control flow is here, all else is the machine's.
//
// Used by one thread; keeps its storage from function to function.
class FunctionCompiler {
 public:
  FunctionCompiler(const Environment& environment, Frame& frame, Machine& machine)
      : env_(environment), layouts_(environment.module), frame_(frame), machine_(machine) {}

  // `index` counts the imported functions. Fails with ErrorKind::exhausted if the
  // function's code would be absurdly large.
  Result<void> compile(uint32_t index);

 private:
  using Instruction = wasm::Instruction;

  void declare_locals(const wasm::FuncType& type, const wasm::Code& code);
  void choose_homes();
  void place_locals(const wasm::FuncType& type);
  Result<void> body(wasm::Bytes code);
  void instruction(const Instruction& in, const Instruction& next);

  void enter(const Instruction& in, Block::Kind kind);
  void if_(const Instruction& in);
  void else_();
  void end();
  void end_function();
  void start_else(Block& block);
  void br(uint32_t depth);
  void br_if(uint32_t depth);
  void br_table(const Instruction& in);
  void return_();
  void call(Callee::Kind kind, const Instruction& in, bool tail);

  Block& target(uint32_t depth) { return blocks_[blocks_.size() - 1 - depth]; }
  void refresh_for(const Block& block);
  void note_branch(Block& block);
  void place_values(Block& block);   // before an unconditional branch, or falling through
  void store_values(const Block& block);
  void push_values(Block& block);    // after its label
  void store_params(size_t count);
  void leave_unreachable();

  const Environment& env_;
  CallLayouts layouts_;
  Frame& frame_;
  Machine& machine_;
  Survey survey_;
  FunctionPlan plan_;
  std::vector<Block> blocks_;
  std::vector<uint32_t> zeroed_;
  std::vector<uint32_t> by_weight_;
  std::vector<Label> stubs_;
  std::vector<Label*> targets_;
  bool reachable_ = true;
  uint32_t skipped_blocks_ = 0;  // open blocks in code that is never reached
};

}  // namespace wherry::baseline
