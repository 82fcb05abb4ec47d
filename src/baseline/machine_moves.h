// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "baseline/value.h"

namespace wherry::baseline {

class Frame;

// What the frame needs of a machine: its registers and moves between them, the
// frame's slots and constants. A slot is an offset from the frame pointer. None
// of these changes the flags if a comparison is pending in them.
class MachineMoves {
 public:
  struct Registers {
    RegSet temporaries;    // never home of a local
    RegSet kept_homes;     // may be, and calls keep them
    RegSet clobbered_homes;  // may be, and calls do not keep them
    Reg first_result[2];   // of each bank: where a block's only result travels
  };

  virtual ~MachineMoves() = default;
  virtual const Registers& registers() const = 0;
  virtual void move(Type type, Reg to, Reg from) = 0;
  virtual void load_slot(Type type, Reg to, int32_t slot) = 0;
  virtual void store_slot(Type type, int32_t slot, Reg from) = 0;
  virtual void store_constant(Type type, int32_t slot, uint64_t bits) = 0;
  virtual void load_constant(Type type, Reg to, uint64_t bits) = 0;
  // Turns flags, scaled and memory values into a register `to`.
  virtual void finish(const Value& value, Reg to) = 0;
};

}  // namespace wherry::baseline
