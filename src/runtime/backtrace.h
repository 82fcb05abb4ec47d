// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/trap.h"

namespace wherry::runtime {

// Where and why a guest stopped, as the signal handler or a host call wrote it
// down. Return addresses point behind their calls.
struct Fault {
  static constexpr uint32_t kMaxFrames = 64;

  Trap trap = Trap::unreachable;
  const void* pc = nullptr;       // null: not in compiled code
  const void* address = nullptr;  // of a memory fault
  uint32_t frame_count = 0;
  bool truncated = false;                        // there were more frames
  std::array<const void*, kMaxFrames> frames{};  // innermost first
};

// One guest function of a backtrace.
struct Frame {
  uint32_t function;      // its index, imported ones included
  std::string_view name;  // points into the artifact; empty: has none
  uint32_t wasm_offset;   // in the module's binary; abi::kNone: unknown
};

// "    0: 0x1f2 app!main" and so on, one line a frame.
std::string to_string(const std::vector<Frame>& frames);

}  // namespace wherry::runtime
