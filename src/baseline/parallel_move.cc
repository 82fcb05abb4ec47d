// SPDX-License-Identifier: Apache-2.0
#include "baseline/parallel_move.h"

#include <algorithm>

namespace wherry::baseline {

// The register that a value is in; a stale home is as good as a slot.
Reg ParallelMove::source(const Value& value) const {
  if (value.is_reg()) return value.reg;
  if (value.kind == Value::Kind::local) {
    const Reg home = frame_.locals()[value.index].home;
    if (home != kNoReg && !frame_.is_stale(home)) return home;
  }
  return kNoReg;
}

bool ParallelMove::is_source(Reg reg) const {
  return std::any_of(moves_.begin(), moves_.end(), [&](const Move& m) { return m.from.reg == reg && m.to != reg; });
}

void ParallelMove::run() {
  from_memory_.clear();
  std::erase_if(moves_, [&](Move& move) {
    const Reg reg = source(move.from);
    if (reg == kNoReg) {
      from_memory_.push_back(move);
      return true;
    }
    move.from = Value::in(move.from.type, reg, move.from.is_reg() ? move.from.aux : 0);
    return false;
  });
  while (!moves_.empty()) {
    const auto ready = std::find_if(moves_.begin(), moves_.end(), [&](const Move& m) { return !is_source(m.to) || m.to == m.from.reg; });
    if (ready != moves_.end()) {
      if (ready->to != ready->from.reg || ready->from.aux & Value::kDirty)
        machine_.move(ready->from.type, ready->to, ready->from.reg);
      moves_.erase(ready);
      continue;
    }
    // Only cycles are left: after an exchange one move of the cycle is done.
    const Reg to = moves_.front().to, from = moves_.front().from.reg;
    machine_.exchange(to, from);
    if (moves_.front().from.aux & Value::kDirty) machine_.move(moves_.front().from.type, to, to);
    moves_.erase(moves_.begin());
    for (Move& move : moves_)
      if (move.from.reg == to) move.from.reg = from;
      else if (move.from.reg == from) move.from.reg = to;
  }
  for (const Move& move : from_memory_) frame_.load_directly(move.to, move.from);
}

}  // namespace wherry::baseline
