// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sandbox/cgroup_stats.h"

namespace wherry::ociruntime {

// The two kinds of lines that `events` prints, in the form of runc's types.Event.

// A container's counters. "No limit" is the largest number, as in runc; on cgroup v2
// what that version does not count is 0.
std::string stats_event(const std::string& id, const sandbox::CgroupStats& stats);
// A process was killed because there was no memory, or a guest ended for it.
std::string oom_event(const std::string& id);

}  // namespace wherry::ociruntime
