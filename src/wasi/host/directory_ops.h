// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

// The calls on names in directories. Paths are checked_path()s, except the
// target of a symbolic link. On a read-only directory all but read_link() give rofs.
namespace wherry::wasi {

Io<void> create_directory(const Descriptor& directory, const std::string& path, mode_t mode = 0777);
Io<void> remove_directory(const Descriptor& directory, const std::string& path);
Io<void> unlink_file(const Descriptor& directory, const std::string& path);
Io<void> rename(const Descriptor& from, const std::string& old_path, const Descriptor& to, const std::string& new_path);

// A hard link; a link at `old_path` itself is linked, not followed.
Io<void> link(const Descriptor& from, const std::string& old_path, const Descriptor& to, const std::string& new_path);

// perm for an absolute target, which makes sense only in a container's root.
Io<void> symlink(std::span<const uint8_t> target, const Descriptor& directory, const std::string& path);

// The bytes written, cut to the buffer.
Io<size_t> read_link(const Descriptor& directory, const std::string& path, std::span<uint8_t> buffer);

}  // namespace wherry::wasi
