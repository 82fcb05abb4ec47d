// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// Puts the rules into force for a cgroup of version 2 and all below, in the place of those
// that were there, by a BPF program that stays for as long as the cgroup. Who is root of
// a user namespace only may not, and is told nothing: it can make no device there.
Result<void> set_device_filter(const std::string& directory, std::span<const DeviceRule> rules);

}  // namespace wherry::sandbox
