// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <string_view>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"
#include "wasi/host/types.h"

namespace wherry::wasi {

// Refuses what a guest must never open or look into, by the file itself and not
// by its path: the kernel's own file systems (/proc/self/mem would let it
// rewrite the engine), devices but the harmless ones, fifos (opening one
// blocks) and sockets. `fd` may be an O_PATH descriptor. acces if refused.
Io<void> check_filesystem(int fd);
// What was found at `path` below the directory; for the toolbox some of procfs is not refused.
Io<void> check_reach(const Descriptor& directory, std::string_view path, int fd);
Io<struct stat> check_openable(const Descriptor& directory, std::string_view path, int fd);

Filetype filetype_of(mode_t mode);

}  // namespace wherry::wasi
