// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"

namespace wherry::node {

// Makes the file system of the machine, mounted at `root`, this process's own: paths, links and programs are
// then the machine's. If `root` is what process 1 has as its root, we join that process's mount namespace, so
// that systemctl and mounts work as they do outside of our container; otherwise it is a chroot.
Result<void> enter_host(const std::string& root);

}  // namespace wherry::node
