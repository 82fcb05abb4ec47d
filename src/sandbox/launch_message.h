// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/init.h"

namespace wherry::sandbox {

// How the launching process and its init, which are the same program, talk.

// The init's descriptors.
enum InitFd : int { kControlFd = 3, kConfigFd = 4, kArtifactFd = 5 };

// On the control socket (SOCK_SEQPACKET), one letter and perhaps text:
//   init -> launcher   n             namespaces are made; waits for `g` (only if there are hooks)
//                      r<warnings>   ready; waits for `s`
//                      e<kind><text> failed, the process is about to exit
//   launcher -> init   g             go on
//                      s             start the guest
enum class Say : char { namespaces = 'n', ready = 'r', error = 'e', go = 'g', start = 's' };

constexpr size_t kMaxSay = 16 << 10;

Result<void> say(int socket, Say what, std::string_view text = "");
// Empty at the end of the conversation.
Result<std::string> hear(int socket);

// What the init needs to know, in a memory file.
struct LaunchMessage {
  InitKind kind = InitKind::wasm;
  bool has_hooks = false;  // to run between namespaces and mounts
  bool has_artifact = false;
  int oom_score_adj = 0;
  uint64_t memory_limit = UINT64_MAX;
  std::string id, bundle, rootfs, invoke, spec_json;
};

Result<UniqueFd> write_launch_message(const LaunchConfig& config, bool has_hooks);
Result<LaunchMessage> read_launch_message(int fd);

}  // namespace wherry::sandbox
