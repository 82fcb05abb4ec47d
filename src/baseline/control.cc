// SPDX-License-Identifier: Apache-2.0
// Control flow. The invariant at every label: operands under the block's are in
// their slots or constants, homes are current, and what a branch carries is in the
// machine's first result register or, if there are several, in slots.
#include <algorithm>

#include "baseline/function_compiler.h"

namespace wherry::baseline {

void FunctionCompiler::leave_unreachable() {
  frame_.drop_to(blocks_.back().height);
  reachable_ = false;
}

void FunctionCompiler::store_params(size_t count) {
  frame_.spill_all(frame_.height());
  for (size_t i = frame_.height() - count; i < frame_.height(); ++i) {
    Value& value = frame_.at(i);
    if (!value.is_constant()) continue;
    frame_.store_to(frame_.slot_of(i), value);
    value = {Value::Kind::slot, value.type, kNoReg, 0, static_cast<uint32_t>(i), 0};
  }
}

void FunctionCompiler::enter(const Instruction& in, Block::Kind kind) {
  Block block;
  block.kind = kind;
  if (in.block.kind == wasm::BlockType::Kind::function) {
    block.type = &env_.module.types[in.block.type().value];
  } else if (in.block.kind == wasm::BlockType::Kind::value) {
    block.single = in.block.value();
    block.has_result = true;
  }
  const size_t params = block.params().size();
  block.height = static_cast<uint32_t>(frame_.height() - params);
  if (kind == Block::Kind::block) {
    frame_.spill_all(frame_.height());
  } else {
    store_params(params);
  }
  if (kind == Block::Kind::loop) {
    frame_.refresh();
    machine_.bind(block.end);
    frame_.enter_label({}, {});
  }
  blocks_.push_back(block);
}

void FunctionCompiler::if_(const Instruction& in) {
  const Value condition = frame_.pop();
  // What entering the block spills changes neither flags nor locals.
  enter(in, Block::Kind::if_);
  Block& block = blocks_.back();
  const uint8_t flags = machine_.condition(condition);
  frame_.refresh_homes();
  block.clean_at_if = frame_.clean();
  block.stale_at_if = frame_.stale_pinned();
  machine_.branch(machine_.negated(flags), block.otherwise);
}

void FunctionCompiler::refresh_for(const Block& block) {
  if (block.kind == Block::Kind::loop) {
    frame_.refresh();
  } else if (block.kind != Block::Kind::function) {
    frame_.refresh_homes();
  }
}

void FunctionCompiler::note_branch(Block& block) {
  block.clean = block.branched_to ? block.clean & frame_.clean() : frame_.clean();
  block.stale = block.stale | frame_.stale_pinned();
  block.branched_to = true;
}

void FunctionCompiler::store_values(const Block& block) {
  const size_t count = block.label_types().size();
  const size_t from = frame_.height() - count;
  for (size_t i = 0; i < count; ++i) {
    Value value = frame_.at(from + i);
    if (value.kind == Value::Kind::slot && from == block.height) continue;
    const bool scratch = frame_.in_memory(value);
    frame_.store_to(frame_.slot_of(block.height + i), value);
    if (scratch) frame_.release(value);
  }
}

void FunctionCompiler::place_values(Block& block) {
  if (block.label_types().empty()) return;
  if (!block.in_register()) {
    frame_.spill_all(frame_.height());
    return store_values(block);
  }
  const Value value = frame_.pop();
  const Reg reg = machine_.registers().first_result[static_cast<size_t>(bank_of(value.type))];
  if (!frame_.uses(value, reg)) frame_.take(reg);
  frame_.move_to(reg, value);
  if (value.reg != reg) frame_.release(value);
  frame_.push_reg(value.type, reg);
}

void FunctionCompiler::push_values(Block& block) {
  frame_.drop_to(block.height);
  const auto types = block.results();
  if (block.in_register()) {
    const Type type = type_of(types[0]);
    const Reg reg = machine_.registers().first_result[static_cast<size_t>(bank_of(type))];
    frame_.take(reg);
    frame_.push_reg(type, reg);
  } else {
    for (const wasm::ValType type : types) frame_.push_slot(type_of(type));
  }
}

void FunctionCompiler::br(uint32_t depth) {
  Block& block = target(depth);
  if (block.kind == Block::Kind::function) return return_();
  place_values(block);
  refresh_for(block);
  note_branch(block);
  machine_.jump(block.end);
  leave_unreachable();
}

void FunctionCompiler::return_() {
  machine_.return_results();
  leave_unreachable();
}

void FunctionCompiler::br_if(uint32_t depth) {
  Block& block = target(depth);
  const Value condition = frame_.pop();
  const bool copies = !block.label_types().empty() && !block.in_register();
  if (copies) frame_.spill_all(frame_.height());
  const uint8_t flags = machine_.condition(condition);
  if (block.in_register()) place_values(block);
  refresh_for(block);
  note_branch(block);
  if (!copies) return machine_.branch(flags, block.end);
  Label skip;
  machine_.branch(machine_.negated(flags), skip);
  store_values(block);
  machine_.jump(block.end);
  machine_.bind(skip);
}

void FunctionCompiler::br_table(const Instruction& in) {
  Value index = frame_.pop();
  frame_.in_register(index);
  wasm::Labels depths(in);
  bool copies = false;
  stubs_.clear();
  targets_.clear();
  while (!depths.done()) {
    Block& block = target(depths.next());
    note_branch(block);
    copies |= !block.label_types().empty() && !block.in_register();
    targets_.push_back(&block.end);
  }
  if (copies) {
    frame_.spill_all(frame_.height());
  } else if (!targets_.empty() && !target(wasm::Labels(in).next()).label_types().empty()) {
    // Every target takes one value in the same register.
    Block& block = target(wasm::Labels(in).next());
    const Reg reg = machine_.registers().first_result[static_cast<size_t>(bank_of(type_of(block.results()[0])))];
    if (frame_.uses(index, reg)) {
      const Value old = index;
      const Reg other = frame_.allocate(Bank::integer);
      frame_.move_to(other, old);
      index = Value::in(Type::i32, other);
      frame_.release(old);
    }
    place_values(block);
  }
  frame_.refresh();
  if (!copies) {
    machine_.branch_table(index, targets_);
    return leave_unreachable();
  }
  // One stub for each different target moves the values to where it wants them.
  std::vector<std::pair<Label*, uint32_t>> depth_of;
  wasm::Labels again(in);
  for (Label* label : targets_) depth_of.emplace_back(label, again.next());
  std::ranges::sort(depth_of);
  const auto last = std::ranges::unique(depth_of, {}, [](const auto& p) { return p.first; });
  depth_of.erase(last.begin(), last.end());
  stubs_.resize(depth_of.size());
  for (Label*& label : targets_) {
    const auto it = std::ranges::lower_bound(depth_of, label, {}, [](const auto& p) { return p.first; });
    label = &stubs_[static_cast<size_t>(it - depth_of.begin())];
  }
  machine_.branch_table(index, targets_);
  for (size_t i = 0; i < stubs_.size(); ++i) {
    Block& block = target(depth_of[i].second);
    machine_.bind(stubs_[i]);
    if (block.in_register()) {
      const Value& value = frame_.top();
      frame_.move_to(machine_.registers().first_result[static_cast<size_t>(bank_of(value.type))], value);
    } else {
      store_values(block);
    }
    machine_.jump(block.end);
  }
  leave_unreachable();
}

void FunctionCompiler::start_else(Block& block) {
  machine_.bind(block.otherwise);
  frame_.enter_label(block.clean_at_if, block.stale_at_if);
  frame_.drop_to(block.height);
  for (const wasm::ValType type : block.params()) frame_.push_slot(type_of(type));
  block.kind = Block::Kind::else_;
  reachable_ = true;
}

void FunctionCompiler::else_() {
  Block& block = blocks_.back();
  if (reachable_) {
    place_values(block);
    frame_.refresh_homes();
    note_branch(block);
    machine_.jump(block.end);
  }
  start_else(block);
}

void FunctionCompiler::end() {
  Block& block = blocks_.back();
  if (block.kind == Block::Kind::function) return end_function();
  if (block.kind == Block::Kind::if_) {
    if (block.results().empty() && reachable_) {
      // Without an else the condition's label is one more way to the end.
      frame_.refresh_homes();
      machine_.bind(block.otherwise);
      frame_.enter_label(frame_.clean() & block.clean_at_if, frame_.stale_pinned() | block.stale_at_if);
    } else {
      else_();
    }
  }
  if (block.kind != Block::Kind::loop && block.branched_to) {
    RegSet clean = block.clean, stale = block.stale;
    if (reachable_) {
      place_values(block);
      frame_.refresh_homes();
      clean = clean & frame_.clean();
      stale = stale | frame_.stale_pinned();
    }
    machine_.bind(block.end);
    frame_.enter_label(clean, stale);
    push_values(block);
    reachable_ = true;
  }
  blocks_.pop_back();
}

void FunctionCompiler::end_function() {
  Block& block = blocks_.back();
  if (block.branched_to) {
    RegSet stale = block.stale;
    if (reachable_) {
      place_values(block);
      stale = stale | frame_.stale_pinned();
    }
    machine_.bind(block.end);
    frame_.enter_label({}, stale);
    push_values(block);
    reachable_ = true;
  }
  if (reachable_) machine_.return_results();
  frame_.drop_to(0);
  blocks_.pop_back();
  machine_.end_function(frame_.bytes());
}

}  // namespace wherry::baseline
