// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

// What is known about files: attributes, times, sizes, and their way to the disk.
namespace wherry::wasi {

Io<Filestat> stat(const Descriptor& descriptor);
Io<Filestat> stat_at(const Descriptor& directory, const std::string& path, Follow follow);

// The room on the file system of what is at the path, in bytes. `available`: to others than root.
struct Space {
  uint64_t size = 0, free = 0, available = 0;
};
Io<Space> space_at(const Descriptor& directory, const std::string& path);

struct Times {
  Timestamp atim = 0;
  Timestamp mtim = 0;
  Fstflags flags = 0;
};
Io<void> set_times(const Descriptor& descriptor, const Times& times);
Io<void> set_times_at(const Descriptor& directory, const std::string& path, Follow follow, const Times& times);

Io<void> set_size(const Descriptor& descriptor, uint64_t size);
Io<void> allocate(const Descriptor& descriptor, uint64_t offset, uint64_t length);
Io<void> advise(const Descriptor& descriptor, uint64_t offset, uint64_t length, Advice advice);

enum class Sync : uint8_t { data, all };
Io<void> sync(const Descriptor& descriptor, Sync what);

}  // namespace wherry::wasi
