// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "wasi/guest/glue.h"
#include "wasi/guest/memory.h"
#include "wasi/guest/outcome.h"
#include "wasi/host/host.h"
#include "wasi/p1/layout.h"

namespace wherry::wasi {

using ClockId = OneOf<Clock, 4>;
using AdviceId = OneOf<Advice, 6>;
using WhenceId = OneOf<Whence, 3>;
using FdflagBits = Flags<Fdflags, fdflag::kAll>;
using FstflagBits = Flags<Fstflags, fstflag::kAll>;
using OflagBits = Flags<Oflags, oflag::kAll>;
using LookupBits = Flags<uint32_t, 1>;  // 1: follow a link at the path's end
using RecvBits = Flags<uint16_t, 3>;

// WASI preview 1 and wasi_unstable over the host core. One object a call.
class P1 {
 public:
  P1(Host& host, GuestMemory memory) : host_(host), memory_(memory) {}

#define P1(modules, name, method, parameters) Outcome method parameters;
#include "wasi/p1/p1.def"
#undef P1
  NoResult proc_exit(uint32_t code);

 private:
  Result<void, Trap> store_strings(const std::vector<std::string>& strings, Ptr<uint32_t> pointers, Ptr<uint8_t> buf) const;
  Result<void, Trap> store_sizes(const std::vector<std::string>& strings, Ptr<uint32_t> count, Ptr<uint32_t> size) const;
  Result<std::string, Outcome> path_at(Text path) const;
  Outcome seek_to(uint32_t fd, int64_t offset, Whence whence, Ptr<uint64_t> position);
  Outcome wait_for_events(Ptr<layout::Event> out, uint32_t count, Ptr<uint32_t> nevents);

  Host& host_;
  const GuestMemory memory_;
};

// By name; a name may stand there several times, with different types.
std::span<const Import> snapshot_preview1_imports();
std::span<const Import> unstable_imports();

}  // namespace wherry::wasi
