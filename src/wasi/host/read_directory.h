// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

namespace wherry::wasi {

struct DirectoryEntry {
  uint64_t next;  // the cookie of the entry after it
  uint64_t inode;
  Filetype filetype;
  std::string_view name;
};

// Gives the entries from `cookie` on (0: the first) to `take` until it answers
// false or there are no more; "." and ".." are among them. The cookies are the
// file system's own, so that entries made or removed meanwhile shift nothing.
template <class Take>
Io<void> read_directory(Descriptor& directory, uint64_t cookie, Take take);

// One batch of entries; the part of read_directory() that is the same for all.
class DirectoryReader {
 public:
  static Io<void> seek(Descriptor& directory, uint64_t cookie);
  explicit DirectoryReader(const Descriptor& directory) : directory_(directory) {}
  // The next entry, valid until the next call; false at the end.
  Io<bool> next(DirectoryEntry& entry);

 private:
  const Descriptor& directory_;
  size_t used_ = 0;
  size_t size_ = 0;
  alignas(8) char buffer_[8192];
};

template <class Take>
Io<void> read_directory(Descriptor& directory, uint64_t cookie, Take take) {
  TRY(DirectoryReader::seek(directory, cookie));
  DirectoryReader reader(directory);
  for (DirectoryEntry entry; TRY(reader.next(entry));) {
    if (!take(entry)) break;
  }
  return {};
}

}  // namespace wherry::wasi
