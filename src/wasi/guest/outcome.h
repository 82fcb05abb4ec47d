// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "abi/trap.h"
#include "wasi/host/errno.h"

namespace wherry::wasi {

// How a guest ended itself: with an exit code, or as by a signal.
struct Ending {
  enum class Kind : uint8_t { exited, signalled };
  Kind kind;
  uint32_t code;  // or the signal's number
};

// What becomes of a host call: an errno for the guest, a trap, or the guest's
// end. Built from an Errno or a Trap, so that one TRY serves both.
class Outcome {
 public:
  enum class Kind : uint8_t { returned, trapped, ended };

  Outcome(Errno value) : kind_(Kind::returned), errno_(value) {}
  Outcome(Trap value) : kind_(Kind::trapped), trap_(value) {}
  Outcome(Ending value) : kind_(Kind::ended), ending_(value) {}

  Kind kind() const { return kind_; }
  Errno errno_value() const { return errno_; }
  Trap trap() const { return trap_; }
  const Ending& ending() const { return ending_; }

 private:
  Kind kind_;
  union {
    Errno errno_;
    Trap trap_;
    Ending ending_;
  };
};

// The outcome of a function whose Wasm type has no result.
class NoResult : public Outcome {
 public:
  using Outcome::Outcome;
  NoResult(const Outcome& outcome) : Outcome(outcome) {}
};

}  // namespace wherry::wasi
