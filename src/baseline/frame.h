// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "baseline/machine_moves.h"
#include "baseline/value.h"

namespace wherry::baseline {

struct Local {
  Type type = Type::i32;
  Reg home = kNoReg;        // or none
  int32_t slot = 0;         // from the frame pointer; 0: it has none
  uint32_t lazy_uses = 0;   // operands on the stack that still refer to it
};

// Where the values of the function being compiled are: its locals in their homes
// (registers for the whole function) or slots, its operands as lazily as Value
// says, and which registers are free.
//
// A home that calls do not keep may be `stale` (only the slot is current) or
// `dirty` (only the register is); at every label the homes of locals are current.
//
// Owner: the compiler of one function at a time; reset() keeps the storage.
class Frame {
 public:
  explicit Frame(MachineMoves& machine) : machine_(machine) {}

  void reset();

  // Locals; only those that the function uses are valid.
  std::vector<Local>& locals() { return locals_; }
  Local& local(uint32_t index) { return locals_[index]; }
  void give_home(uint32_t index, Reg home);
  // After homes were given to locals: temporaries are what remains.
  void start(RegSet homes, int32_t operand_slots, uint32_t slot_size);
  void push_local(uint32_t index);
  void set_local(uint32_t index, Value value);
  // The home of a local that the next instruction sets, if this instruction,
  // taking `operands` of the stack, may produce its result there.
  void aim_at(uint32_t index, uint32_t operands);
  void clear_aim() { aim_ = kNoReg; }
  Reg aim() const { return aim_; }

  // Operands
  size_t height() const { return stack_.size(); }
  Value& at(size_t position) { return stack_[position]; }
  Value& top(size_t depth = 0) { return stack_[stack_.size() - 1 - depth]; }
  void push(Value value);
  void push_constant(Type type, uint64_t bits) { push(Value::constant(type, bits)); }
  void push_reg(Type type, Reg reg, uint8_t aux = 0) { push(Value::in(type, reg, aux)); }
  void push_slot(Type type);  // already in the slot of its position
  Value pop();
  void drop_to(size_t height);
  int32_t slot_of(size_t position) {
    used_slots_ = std::max(used_slots_, position + 1);
    return operand_slots_ - static_cast<int32_t>((position + 1) * slot_size_);
  }
  // Under the frame pointer, with every slot that was used.
  int32_t bytes() const { return static_cast<int32_t>(used_slots_ * slot_size_) - operand_slots_; }

  // Registers
  Reg allocate(Bank bank);
  Reg allocate(Type type) { return allocate(bank_of(type)); }
  Reg allocate_of(RegSet set);         // one of these, which are temporaries of one bank
  void take(Reg reg);                  // this one: moves away what is in it
  // The register for a result: the aim if none of the operands needs it, or a new one.
  Reg result(Type type, std::initializer_list<const Value*> operands = {});
  void release(Reg reg) { free_.bits |= RegSet::of(reg).bits & temporaries_.bits; }
  void release(const Value& value);
  bool is_temporary(Reg reg) const { return temporaries_.has(reg); }
  bool is_free(Reg reg) const { return free_.has(reg); }
  RegSet free_registers() const { return free_; }

  // A popped value in a register. The first may be a local's home, which must
  // not be written.
  Reg in_register(Value& value);
  Reg in_temporary(Value& value);
  // The home of a popped local, made current; kNoReg if it has none.
  Reg home_of(const Value& value);
  Reg home_or_none(const Value& value) const { return value.kind == Value::Kind::local ? locals_[value.index].home : kNoReg; }
  bool uses(const Value& value, Reg reg) const;
  int32_t slot_of(const Value& value);  // of a popped slot or local without home
  bool in_memory(const Value& value) const;   // is a slot, or a local without home
  void move_to(Reg to, const Value& value);   // any value into a register that is not free; does not release
  void store_to(int32_t slot, Value& value);

  // Before a block's body, a call or a branch
  void spill_all(size_t below);        // operands under `below` into their slots, but constants
  void spill_registers(size_t below);  // those of them that are in registers
  void refresh();                      // every stale home is loaded
  void refresh_homes();                // of locals only
  RegSet stale_pinned() const { return stale_ & pinned_; }
  void refresh(Reg reg) {
    if (stale_.has(reg)) load_home(reg);
  }
  bool is_stale(Reg reg) const { return stale_.has(reg); }
  // A constant, or from the slot even if the home is stale.
  void load_directly(Reg to, const Value& value);
  void before_call();                  // dirty homes that the call may change are saved
  void after_call();                   // they are stale now
  RegSet clean() const { return clean_; }
  void set_clean(RegSet set) { clean_ = set; }
  void enter_label(RegSet clean, RegSet stale_pinned) {
    stale_ = stale_pinned;
    clean_ = clean;
  }
  // Registers loaded once and again after each call, such as the context: they
  // are homes with a slot and never dirty.
  void pin(Reg reg, int32_t slot);

 private:
  void materialise_uses(uint32_t index);
  void spill(size_t position);
  void load_home(Reg reg);
  void mark_dirty(Reg reg) { clean_.remove(reg); }

  MachineMoves& machine_;
  std::vector<Local> locals_;
  std::vector<Value> stack_;
  RegSet temporaries_, free_;
  RegSet saved_by_us_;  // homes and pinned registers that calls change
  RegSet stale_, clean_;
  uint32_t owner_[64] = {};       // the stack position that a taken temporary serves
  uint32_t home_local_[64] = {};  // the local at home in a register
  int32_t pinned_slot_[64] = {};
  RegSet pinned_;
  Reg aim_ = kNoReg;
  size_t spilled_ = 0;  // below this position nothing is in a register
  size_t used_slots_ = 0;
  int32_t operand_slots_ = 0;
  uint32_t slot_size_ = 8;
};

}  // namespace wherry::baseline
