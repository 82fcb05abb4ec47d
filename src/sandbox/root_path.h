// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::sandbox {

// Paths inside a container's root file system, whose content is hostile: symbolic
// links, absolute ones and `..` too, are resolved by the kernel with `root` as /,
// and never through the magic links of procfs. Each function works on `root` as it
// is at the call; a link that is exchanged meanwhile can only lead elsewhere inside.

// openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS). O_CLOEXEC is added.
// `more_resolve` adds flags such as RESOLVE_NO_SYMLINKS.
Result<UniqueFd> open_in_root(int root, const std::string& path, int flags, uint64_t more_resolve = 0);

// An O_PATH descriptor of a directory that is made, with missing parents, mode 0755.
// A dangling link on the way is followed and its target made.
Result<UniqueFd> make_directory_in_root(int root, const std::string& path);

// The same for a file: an existing one of any type but directory, or an empty new one.
Result<UniqueFd> make_file_in_root(int root, const std::string& path);

}  // namespace wherry::sandbox
