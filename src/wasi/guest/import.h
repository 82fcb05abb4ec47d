// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/host_function.h"
#include "wasi/guest/outcome.h"
#include "wasi/host/host.h"

namespace wherry::wasi {

// What the host functions of one guest share: the `data` of each of them.
struct Guest {
  Host host;
  std::optional<Ending> ending;  // set when a host function ended the guest
};

// A host function as a module imports it. `type` is its parameters, then what it
// returns: "iIi:i" for (i32, i64, i32) -> i32, "i:" without a result.
struct Import {
  std::string_view name;
  std::string_view type;
  runtime::HostFunction::Body body;
};

}  // namespace wherry::wasi
