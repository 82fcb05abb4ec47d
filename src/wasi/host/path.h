// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

namespace wherry::wasi {

// A guest's path as the kernel may see it: not empty, not absolute, valid UTF-8,
// no NUL, shorter than PATH_MAX.
Io<std::string> checked_path(std::span<const uint8_t> bytes);

// openat2 from `directory` within its scope; magic links are never followed. The
// kernel does the whole walk, so that no rename or exchanged link in between
// leads out. perm when the path leads out.
Io<UniqueFd> open_within(const Descriptor& directory, const char* path, int flags, mode_t mode = 0);

// The errno for a change below a read-only directory, counted.
Errno denied_read_only(const Descriptor& descriptor);

// Where a call that makes, moves or removes a name acts: an open directory and
// one name in it, which such calls never follow. The name keeps its trailing
// slashes, it is "." for a path that ends in "." or "..". It points into the
// path given to locate().
struct Place {
  UniqueFd owned;
  int parent = -1;
  const char* name = nullptr;

  bool trailing_slash() const;
};
Io<Place> locate(const Descriptor& directory, const std::string& path);

}  // namespace wherry::wasi
