// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "baseline/frame.h"
#include "baseline/machine.h"

namespace wherry::baseline {

// Moves that all happen at once: arguments into their registers, parameters out
// of them. At most as many as there are registers.
class ParallelMove {
 public:
  ParallelMove(Frame& frame, Machine& machine) : frame_(frame), machine_(machine) {}

  void clear() { moves_.clear(); }
  void add(Reg to, const Value& from) { moves_.push_back({to, from}); }
  // Done once; what the values held is not released.
  void run();

 private:
  struct Move {
    Reg to;
    Value from;
  };
  Reg source(const Value& value) const;
  bool is_source(Reg reg) const;

  Frame& frame_;
  Machine& machine_;
  std::vector<Move> moves_;
  std::vector<Move> from_memory_;
};

}  // namespace wherry::baseline
