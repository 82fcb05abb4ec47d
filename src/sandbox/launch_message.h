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
enum InitFd : int { kControlFd = 3, kConfigFd = 4, kArtifactFd = 5, kMemoryLimitFd = 6, kInitPidFd = 7, kStartFd = 8, kStatsFd = 9, kReportFd = 10 };

// On the control socket (SOCK_SEQPACKET), one letter and perhaps text:
//   init -> launcher   n             namespaces are made; waits for `g` (only if there are hooks)
//                      f<pid>        an exec, or an init with a user namespace: has forked the process that
//                                    stays, whose pidfd comes with it; that one waits for `g`
//                      r<warnings>   ready; waits for `s`; with a terminal, its master comes with it
//                      e<kind><text> failed, the process is about to exit
//   launcher -> init   g             go on
//                      s             start the guest
enum class Say : char { namespaces = 'n', forked = 'f', ready = 'r', error = 'e', go = 'g', start = 's' };

constexpr size_t kMaxSay = 16 << 10;

// With a descriptor, unless that is -1.
Result<void> say(int socket, Say what, std::string_view text = "", int fd = -1);
// Empty at the end of the conversation. A descriptor that came with it is put into
// `fd`; without one it is closed.
Result<std::string> hear(int socket, UniqueFd* fd = nullptr);

// What follows Say::error: <kind><text>. Reading it takes anything for an error of
// some kind, since the process may be no longer ours.
std::string error_to_text(const Error& error);
Error error_from_text(std::string_view text);

// What the init needs to know, in a memory file.
struct LaunchMessage {
  InitKind kind = InitKind::wasm;
  bool has_hooks = false;  // to run between namespaces and mounts
  bool has_artifact = false;
  bool has_memory_limit = false;
  bool has_start_socket = false;
  bool has_stats = false;
  bool has_report = false;
  bool is_toolbox = false;  // what wasi::ProgramConfig says of it
  bool outlives = false;    // the process that launched it, once it is ready
  int oom_score_adj = 0;
  std::string id, bundle, rootfs;
  std::string invoke;  // the function, or the path of a native program
  std::string spec_json;
  std::string process_json;  // of an exec: takes the place of the specification's process
  std::string settings;      // config::Settings::to_message()
};

Result<UniqueFd> write_launch_message(const LaunchMessage& message);
Result<LaunchMessage> read_launch_message(int fd);

}  // namespace wherry::sandbox
