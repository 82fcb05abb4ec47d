// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace wherry::sandbox {

// One entry of containerd's rootfs list (containerd.types.Mount).
struct RootfsMount {
  std::string type;
  std::string source;
  std::string target;  // below the root file system, usually ""
  // containerd's `uidmap=` and `gidmap=` ask for ids as a user namespace with these
  // maps sees them: of an overlay's lower layers, or of the whole mount.
  std::vector<std::string> options;
};

// Mounts the list in order at `rootfs`, which exists. On failure what was mounted
// is unmounted again. An empty list mounts nothing. The calling process's working
// directory and other threads are not touched.
Result<void> mount_rootfs(const std::vector<RootfsMount>& mounts, const std::string& rootfs);

// Detaches everything mounted at or below `rootfs`, also several layers at one
// place. Fine if nothing is, or if it does not exist. Does not follow a symbolic link.
Result<void> unmount_rootfs(const std::string& rootfs);

}  // namespace wherry::sandbox
