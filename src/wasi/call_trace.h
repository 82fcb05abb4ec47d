// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>

#include "wasi/guest/import.h"

namespace wherry::wasi {

// Writes a line to standard error for each call of the host: its name, what it was
// given, what it answered and how long it took. Stands between a guest and its
// host functions, so that a guest that is not traced pays nothing. Used by the
// guest's thread.
class CallTrace {
 public:
  // The `data` of a host function whose body is call().
  void* add(const Import& import, Guest& guest);
  static Result<void, Trap> call(void* data, runtime::HostCall& call);

 private:
  struct Traced {
    const Import* import;
    Guest* guest;
  };
  std::deque<Traced> functions_;  // whose addresses stay
};

}  // namespace wherry::wasi
