// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

namespace wherry::wasi {

struct OpenRequest {
  Follow follow = Follow::yes;
  Oflags oflags = 0;
  Rights rights = 0;  // fd_read and fd_write decide the access
  Fdflags fdflags = 0;
  mode_t new_file_mode = 0666;
};

// Opens or creates the file or directory at a checked path.
Io<Descriptor> open_at(const Descriptor& directory, const std::string& path, const OpenRequest& request);

// What wasmtime reports for an opened file or directory.
Rights rights_of(Filetype filetype, bool readable, bool writable);

}  // namespace wherry::wasi
