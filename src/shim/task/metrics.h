// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sandbox/cgroup_stats.h"
#include "shim/proto/types.pb.h"

namespace wherry::shim {

// A cgroup's counters as containerd's metrics of the cgroup's version.
pb::Any metrics(const sandbox::CgroupStats& stats);

}  // namespace wherry::shim
