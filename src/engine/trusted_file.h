// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

// Files that only this user, or root, can have written: what the cache believes.
namespace wherry::engine {

// Fails with ErrorKind::denied unless the file or directory belongs to this user
// or root (for root: to root) and nobody else may write to it.
Result<void> check_trusted(int fd, std::string_view what);

// Opens for reading and checks; follows no symbolic link.
Result<UniqueFd> open_trusted(int directory, const std::string& name);

// Replaces the file as a whole: by rename.
Result<void> write_trusted(int directory, const std::string& name, std::string_view content);

// Opens a directory and its parents if need be, with mode 0700, and checks it.
Result<UniqueFd> open_trusted_directory(const std::string& path);

// A file without a name in the directory.
Result<UniqueFd> unnamed_file(int directory);
// Gives it a name, in place of what had it, when its content is on the disk.
Result<void> name_file(int directory, int file, const std::string& name);

}  // namespace wherry::engine
