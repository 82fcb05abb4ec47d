// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/sha256.h"

namespace wherry::engine {

// SHA-256 of a whole file, from its start, whatever the descriptor's position.
Result<Digest> file_digest(int fd);

// The same, remembered in the directory `memos` (-1: not) under the file's
// (device, inode, size, ctime). Not for files that changed just now: a further
// change within the clock's resolution would go unnoticed.
Result<Digest> remembered_digest(int fd, int memos);

}  // namespace wherry::engine
