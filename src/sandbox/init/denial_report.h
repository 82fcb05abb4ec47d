// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "wasi/host/counters.h"

namespace wherry::sandbox {

// Tells the shim what a guest was denied, in datagrams "egress 10.0.0.1:80/tcp" that
// are lost rather than waited for. At most one of a kind in a second, which says how
// many were left out before it: a guest that tries in a loop gets neither slower
// nor louder. The counters have them all.
class DenialReport {
 public:
  explicit DenialReport(UniqueFd socket) : socket_(std::move(socket)) {}

  void tell(wasi::Denial kind, std::string_view detail);

 private:
  struct Kind {
    uint64_t next = 0;  // monotonic, when it may be told again
    uint64_t left_out = 0;
  };
  const UniqueFd socket_;
  std::array<Kind, wasi::kDenialKinds> kinds_;
};

}  // namespace wherry::sandbox
