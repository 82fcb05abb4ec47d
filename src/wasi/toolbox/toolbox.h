// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "wasi/guest/glue.h"
#include "wasi/guest/memory.h"
#include "wasi/guest/outcome.h"
#include "wasi/host/host.h"
#include "wasi/p1/p1.h"

namespace wherry::wasi {

namespace layout {

struct Owner {
  uint32_t mode;  // permissions alone, no type
  uint32_t uid, gid;
};
static_assert(sizeof(Owner) == 12);

struct Space {
  uint64_t size, free, available;  // in bytes; available to others than root
};
static_assert(sizeof(Space) == 24);

}  // namespace layout

// The host functions of the toolbox. Paths reach no further than preview 1's. One
// object a call.
class Toolbox {
 public:
  Toolbox(Host& host, GuestMemory memory) : host_(host), memory_(memory) {}

#define TOOLBOX(name, parameters) Outcome name parameters;
#include "wasi/toolbox/toolbox.def"
#undef TOOLBOX

 private:
  Result<std::string, Outcome> path_at(Text path) const;

  Host& host_;
  const GuestMemory memory_;
};

std::span<const Import> toolbox_imports();

}  // namespace wherry::wasi
