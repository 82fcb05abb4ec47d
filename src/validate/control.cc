// SPDX-License-Identifier: Apache-2.0
#include "validate/function_body.h"

namespace wherry::validate {

using wasm::BlockType;
using wasm::FuncType;
using wasm::Opcode;

// spec: valid-blocktype
bool FunctionBody::block_type(const BlockType& type, Control& block) {
  if (type.kind == BlockType::Kind::function) return (block.function = this->type(type.bits)) != nullptr;
  if (type.kind == BlockType::Kind::empty) return true;
  block.value = type.value();
  block.has_value = true;
  return enabled(block.value);
}

bool FunctionBody::open_block(Control& block) {
  if (!pop(block.params())) return false;
  if (control_.size() > wasm::kMaxNesting) return fail(ErrorKind::unsupported, "blocks are nested too deeply");
  base_ = block.height = operands_.height();
  control_.push_back(block);
  operands_.push(block.params());
  return true;
}

bool FunctionBody::close_block(Control& block) {
  if (!check_top(block.results())) return false;
  if (available() > block.results().size())
    return mismatch(std::to_string(block.results().size()) + " results", std::to_string(available()) + " operands at the block's end");
  operands_.set_height(block.height);
  return true;
}

bool FunctionBody::label(uint32_t depth, Control*& out) {
  if (depth >= control_.size()) return unknown("label", depth);
  out = &control_[control_.size() - 1 - depth];
  return true;
}

// spec: valid-unreachable
bool FunctionBody::valid_unreachable() { return set_unreachable(), true; }

// spec: valid-block, valid-loop
bool FunctionBody::valid_block() {
  Control block{.op = in_.op};
  return block_type(in_.block, block) && open_block(block);
}

// spec: valid-if
bool FunctionBody::valid_if() {
  Control block{.op = in_.op};
  return block_type(in_.block, block) && pop(wasm::kI32) && open_block(block);
}

bool FunctionBody::valid_else() {
  Control& block = control_.back();
  if (block.op != Opcode::if_) return fail(ErrorKind::malformed, "END opcode expected, found ELSE");
  if (!close_block(block)) return false;
  block.op = Opcode::else_;
  block.unreachable = false;
  operands_.push(block.params());
  return true;
}

bool FunctionBody::valid_end() {
  Control& block = control_.back();
  // Without an else the parameters are the results.
  if (block.op == Opcode::if_) {
    const auto params = block.params(), results = block.results();
    if (params.size() != results.size()) return mismatch("an else", "an if with results");
    for (size_t i = 0; i < params.size(); ++i)
      if (!is_subtype(params[i], results[i])) return mismatch("an else", "an if with results");
  }
  if (!close_block(block)) return false;
  operands_.push(block.results());
  control_.pop_back();
  base_ = control_.empty() ? 0 : control_.back().height;
  return true;
}

// spec: valid-br
bool FunctionBody::valid_br() {
  Control* target;
  if (!label(in_.index, target) || !check_top(target->label())) return false;
  return set_unreachable(), true;
}

// spec: valid-br_if
bool FunctionBody::valid_br_if() {
  Control* target;
  if (!pop(wasm::kI32) || !label(in_.index, target)) return false;
  const auto types = target->label();
  if (!check_top(types)) return false;
  if (types.empty()) return true;
  // What stays has the label's types, also where it was something more special.
  operands_.set_height(base_ + (available() > types.size() ? available() - static_cast<uint32_t>(types.size()) : 0));
  operands_.push(types);
  return true;
}

// spec: valid-br_table
bool FunctionBody::valid_br_table() {
  if (!pop(wasm::kI32)) return false;
  wasm::Labels labels(in_);
  size_t arity = 0;
  for (bool first = true; !labels.done(); first = false) {
    Control* target;
    if (!label(labels.next(), target)) return false;
    // Each block once: a table may name it thousands of times.
    if (target->checked_by == in_.offset) continue;
    target->checked_by = in_.offset;
    const auto types = target->label();
    if (first) arity = types.size();
    if (types.size() != arity) return mismatch("labels of one arity", std::to_string(arity) + " and " + std::to_string(types.size()));
    if (!check_top(types)) return false;
  }
  return set_unreachable(), true;
}

// spec: valid-return
bool FunctionBody::valid_return() {
  if (!check_top(function_->results)) return false;
  return set_unreachable(), true;
}

// spec: valid-call
bool FunctionBody::valid_call() {
  const FuncType* const callee = function_type(in_.index);
  if (!callee || !pop(callee->params)) return false;
  return operands_.push(callee->results), true;
}

const FuncType* FunctionBody::indirect_callee() {
  const wasm::Table* const from = table(in_.index2);
  if (!from) return nullptr;
  if (!is_subtype(from->type.element, wasm::kFuncref)) return mismatch("a table of functions", to_string(from->type.element)), nullptr;
  const FuncType* const callee = type(in_.index);
  return callee && pop(wasm::kI32) && pop(callee->params) ? callee : nullptr;
}

// spec: valid-call_indirect
bool FunctionBody::valid_call_indirect() {
  const FuncType* const callee = indirect_callee();
  return callee && (operands_.push(callee->results), true);
}

bool FunctionBody::tail_call_returns(const FuncType& callee) {
  const auto& results = callee.results;
  if (results.size() != function_->results.size()) return mismatch(to_string(*function_), to_string(callee));
  for (size_t i = 0; i < results.size(); ++i)
    if (!is_subtype(results[i], function_->results[i])) return mismatch(to_string(*function_), to_string(callee));
  return set_unreachable(), true;
}

// spec: valid-return_call
bool FunctionBody::valid_return_call() {
  const FuncType* const callee = function_type(in_.index);
  return callee && pop(callee->params) && tail_call_returns(*callee);
}

// spec: valid-return_call_indirect
bool FunctionBody::valid_return_call_indirect() {
  const FuncType* const callee = indirect_callee();
  return callee && tail_call_returns(*callee);
}

}  // namespace wherry::validate
