// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "wasi/host/types.h"

namespace wherry::wasi {

class Policy;

// An open file, directory or socket of the guest. A value of the descriptor
// table, which owns it.
//
// Whether the guest asked for O_NONBLOCK is kept here: sockets of ours are
// always non-blocking for the kernel, so that a blocking call can wait for the
// interruption too, and the description of stdio belongs to others as well.
struct Descriptor {
  enum class Kind : uint8_t { closed, stdio, file, directory, socket };

  // How paths below a directory resolve.
  enum class Scope : uint8_t {
    beneath,          // nothing leads out of the directory
    in_root,          // the directory is /: absolute links and .. stay inside
    in_process_root,  // likewise, and / is this process's own: directories below see it as well
    processes,        // beneath, and of procfs only what process_files.h names
  };

  UniqueFd fd;
  Kind kind = Kind::closed;
  Filetype filetype = Filetype::unknown;
  Fdflags flags = 0;
  Rights base = 0;
  Rights inheriting = 0;

  Scope scope = Scope::beneath;
  bool read_only = false;                  // a directory below which nothing changes
  std::unique_ptr<std::string> preopened;  // the name of a preopened directory

  Policy* policy = nullptr;  // its guest's; set when it gets its number

  bool may_wait = false;  // stdio that is no file of a disk

  uint64_t recv_timeout = 0;  // of a socket, in nanoseconds; 0: none
  uint64_t send_timeout = 0;

  bool nonblocking() const { return flags & fdflag::nonblock; }
};

}  // namespace wherry::wasi
