// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/mount_options.h"

namespace wherry::sandbox {

// Mounts made detached, given their attributes, and only then attached to an
// O_PATH descriptor: nobody ever sees one writable that shall be read-only, and no
// path is looked up twice. Needs Linux 5.12.

// A copy of what is mounted at `path` (relative to `at`, "" for `at` itself) and,
// with options.recursive_bind, of everything below, not attached anywhere.
Result<UniqueFd> clone_mount(int at, const std::string& path, const MountOptions& options);

// A new file system instance, not attached anywhere.
Result<UniqueFd> new_mount(const std::string& type, const std::string& source, const MountOptions& options);

// Attaches it to what `target` is open on, and gives it its propagation.
Result<void> attach_mount(int mount, int target, const MountOptions& options);

Result<void> set_attributes(int mount, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive);

// Gives a mount that is not attached, and with `recursive` those below it, the ids
// of a user namespace: what is 0 in its file system is the namespace's 0. Needs
// privileges over the file system. unsupported if that is none that can.
Result<void> map_ids(int mount, int user_namespace, bool recursive);

}  // namespace wherry::sandbox
