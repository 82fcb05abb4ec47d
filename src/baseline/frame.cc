// SPDX-License-Identifier: Apache-2.0
#include "baseline/frame.h"

#include <algorithm>

#include "base/result.h"

namespace wherry::baseline {

using Kind = Value::Kind;

void Frame::reset() {
  stack_.clear();
  pinned_ = stale_ = clean_ = {};
  aim_ = kNoReg;
  spilled_ = used_slots_ = 0;
}

void Frame::start(RegSet homes, int32_t operand_slots, uint32_t slot_size) {
  const MachineMoves::Registers& registers = machine_.registers();
  temporaries_ = (registers.temporaries | registers.kept_homes | registers.clobbered_homes) - homes;
  // A register that calls keep costs a save: it serves homes only.
  temporaries_ = temporaries_ - registers.kept_homes;
  free_ = temporaries_;
  saved_by_us_ = homes & registers.clobbered_homes;
  clean_ = {};
  operand_slots_ = operand_slots;
  slot_size_ = slot_size;
}

void Frame::give_home(uint32_t index, Reg home) {
  locals_[index].home = home;
  home_local_[home] = index;
}

void Frame::pin(Reg reg, int32_t slot) {
  pinned_.add(reg);
  pinned_slot_[reg] = slot;
  saved_by_us_.add(reg);
  clean_.add(reg);
}

void Frame::push(Value value) {
  if (value.kind == Kind::local) ++locals_[value.index].lazy_uses;
  if (value.kind == Kind::reg && is_temporary(value.reg)) owner_[value.reg] = static_cast<uint32_t>(stack_.size());
  stack_.push_back(value);
}

void Frame::push_slot(Type type) {
  push({Kind::slot, type, kNoReg, 0, static_cast<uint32_t>(stack_.size()), 0});
}

void Frame::push_local(uint32_t index) {
  push({Kind::local, locals_[index].type, kNoReg, 0, index, 0});
}

Value Frame::pop() {
  const Value value = stack_.back();
  stack_.pop_back();
  if (value.kind == Kind::local) --locals_[value.index].lazy_uses;
  spilled_ = std::min(spilled_, stack_.size());
  return value;
}

void Frame::drop_to(size_t height) {
  while (stack_.size() > height) release(pop());
}

void Frame::materialise_uses(uint32_t index) {
  Local& local = locals_[index];
  for (size_t i = stack_.size(); local.lazy_uses; --i) {
    if (stack_[i - 1].kind != Kind::local || stack_[i - 1].index != index) continue;
    const Reg reg = allocate(local.type);
    move_to(reg, stack_[i - 1]);
    stack_[i - 1] = Value::in(local.type, reg);
    owner_[reg] = static_cast<uint32_t>(i - 1);
    spilled_ = std::min(spilled_, i - 1);
    --local.lazy_uses;
  }
}

void Frame::set_local(uint32_t index, Value value) {
  Local& local = locals_[index];
  const bool in_place = value.is_reg() && value.reg == local.home;
  if (!in_place && value.kind == Kind::local && value.index == index) return;
  if (local.lazy_uses && !in_place) materialise_uses(index);
  if (local.home == kNoReg) {
    if (local.slot) store_to(local.slot, value);
  } else {
    if (!in_place) move_to(local.home, value);
    stale_.remove(local.home);
    mark_dirty(local.home);
  }
  release(value);
}

void Frame::aim_at(uint32_t index, uint32_t operands) {
  const Local& local = locals_[index];
  aim_ = kNoReg;
  if (local.home == kNoReg) return;
  uint32_t here = 0;
  for (uint32_t i = 0; i < operands; ++i) {
    const Value& value = top(i);
    here += value.kind == Kind::local && value.index == index;
  }
  if (local.lazy_uses == here) aim_ = local.home;
}

Reg Frame::result(Type type, std::initializer_list<const Value*> operands) {
  if (aim_ != kNoReg && bank_of(aim_) == bank_of(type) &&
      std::none_of(operands.begin(), operands.end(), [&](const Value* v) { return uses(*v, aim_); }))
    return aim_;
  return allocate(type);
}

bool Frame::uses(const Value& value, Reg reg) const {
  if (value.kind == Kind::local) return locals_[value.index].home == reg;
  return value.reg == reg;
}

void Frame::release(const Value& value) {
  if (value.reg != kNoReg) release(value.reg);
}

Reg Frame::allocate_of(RegSet set) {
  RegSet candidates = free_ & set;
  if (candidates.empty()) {
    // The deepest operand is used last.
    RegSet taken = set & temporaries_;
    Reg victim = kNoReg;
    for (; !taken.empty(); taken.remove(taken.first())) {
      const Reg reg = taken.first();
      const uint32_t position = owner_[reg];
      if (position >= stack_.size() || !stack_[position].is_reg() || stack_[position].reg != reg) continue;
      if (victim == kNoReg || position < owner_[victim]) victim = reg;
    }
    CHECK(victim != kNoReg, "no register is left");
    spill(owner_[victim]);
    candidates = RegSet::of(victim);
  }
  const Reg reg = candidates.first();
  free_.remove(reg);
  return reg;
}

Reg Frame::allocate(Bank bank) { return allocate_of(RegSet::all(bank)); }

void Frame::take(Reg reg) {
  if (!is_free(reg)) {
    const uint32_t position = owner_[reg];
    CHECK(position < stack_.size() && stack_[position].is_reg() && stack_[position].reg == reg, "the register is in use");
    const RegSet others = free_ & RegSet::all(bank_of(reg));
    if (others.empty()) {
      spill(position);
    } else {
      const Reg to = others.first();
      Value& value = stack_[position];
      machine_.move(value.type == Type::i32 && value.aux & Value::kDirty ? Type::i64 : value.type, to, reg);
      free_.remove(to);
      value.reg = to;
      owner_[to] = position;
    }
  }
  free_.remove(reg);
}

void Frame::spill(size_t position) {
  Value& value = stack_[position];
  if (value.kind == Kind::local) --locals_[value.index].lazy_uses;
  store_to(slot_of(position), value);
  release(value);
  value = {Kind::slot, value.type, kNoReg, 0, static_cast<uint32_t>(position), 0};
}

void Frame::spill_all(size_t below) {
  for (size_t i = spilled_; i < below; ++i)
    if (stack_[i].kind != Kind::constant && stack_[i].kind != Kind::slot) spill(i);
  spilled_ = std::max(spilled_, below);
}

void Frame::spill_registers(size_t below) {
  for (RegSet taken = temporaries_ - free_; !taken.empty(); taken.remove(taken.first())) {
    const Reg reg = taken.first();
    const uint32_t position = owner_[reg];
    if (position < std::min(below, stack_.size()) && stack_[position].is_reg() && stack_[position].reg == reg) spill(position);
  }
}

void Frame::load_directly(Reg to, const Value& value) {
  if (value.is_constant()) return machine_.load_constant(value.type, to, value.bits);
  machine_.load_slot(value.type, to, slot_of(value));
}

void Frame::load_home(Reg reg) {
  stale_.remove(reg);
  if (pinned_.has(reg)) {
    machine_.load_slot(Type::i64, reg, pinned_slot_[reg]);
  } else {
    const Local& local = locals_[home_local_[reg]];
    machine_.load_slot(local.type, reg, local.slot);
  }
}

void Frame::refresh() {
  while (!stale_.empty()) load_home(stale_.first());
}

void Frame::refresh_homes() {
  for (RegSet homes = stale_ - pinned_; !homes.empty(); homes.remove(homes.first())) load_home(homes.first());
}

void Frame::before_call() {
  for (RegSet dirty = saved_by_us_ - clean_ - stale_ - pinned_; !dirty.empty(); dirty.remove(dirty.first())) {
    const Local& local = locals_[home_local_[dirty.first()]];
    machine_.store_slot(local.type, local.slot, local.home);
  }
}

void Frame::after_call() {
  stale_ = clean_ = saved_by_us_;
}

Reg Frame::home_of(const Value& value) {
  const Reg home = locals_[value.index].home;
  if (home != kNoReg) refresh(home);
  return home;
}

bool Frame::in_memory(const Value& value) const {
  return value.kind == Kind::slot || (value.kind == Kind::local && locals_[value.index].home == kNoReg);
}

int32_t Frame::slot_of(const Value& value) {
  return value.kind == Kind::slot ? slot_of(size_t{value.index}) : locals_[value.index].slot;
}

Reg Frame::in_register(Value& value) {
  if (value.is_reg()) return value.reg;
  if (value.kind == Kind::local) {
    const Reg home = home_of(value);
    if (home != kNoReg) return home;
  }
  return in_temporary(value);
}

Reg Frame::in_temporary(Value& value) {
  if (value.is_reg() && is_temporary(value.reg)) return value.reg;
  // A scaled or loaded value may end in the register that it comes from.
  const bool reuse = (value.kind == Kind::scaled || value.kind == Kind::memory) && bank_of(value.type) == Bank::integer &&
                     value.reg != kNoReg && is_temporary(value.reg);
  const Reg to = reuse ? value.reg : allocate(value.type);
  move_to(to, value);
  if (!reuse) release(value);
  value = Value::in(value.type, to);
  return to;
}

void Frame::move_to(Reg to, const Value& value) {
  switch (value.kind) {
    case Kind::constant: machine_.load_constant(value.type, to, value.bits); return;
    case Kind::reg:
      if (value.reg != to || value.aux & Value::kDirty) machine_.move(value.type, to, value.reg);
      return;
    case Kind::local: {
      const Reg home = home_of(value);
      if (home == kNoReg) {
        machine_.load_slot(value.type, to, locals_[value.index].slot);
      } else if (home != to) {
        machine_.move(value.type, to, home);
      }
      return;
    }
    case Kind::slot: machine_.load_slot(value.type, to, slot_of(size_t{value.index})); return;
    case Kind::flags:
    case Kind::scaled:
    case Kind::memory: machine_.finish(value, to); return;
  }
}

void Frame::store_to(int32_t slot, Value& value) {
  if (value.is_constant()) return machine_.store_constant(value.type, slot, value.bits);
  if (in_memory(value)) {
    if (slot_of(value) == slot) return;
    const Reg scratch = in_temporary(value);
    machine_.store_slot(value.type, slot, scratch);
    return;
  }
  machine_.store_slot(value.type, slot, in_register(value));
}

}  // namespace wherry::baseline
