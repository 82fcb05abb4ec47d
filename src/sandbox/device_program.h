// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/bpf.h>

#include <span>
#include <vector>

#include "sandbox/spec.h"

namespace wherry::sandbox {

// The program of type BPF_PROG_TYPE_CGROUP_DEVICE that does what cgroup v1 did with
// the rules: each of r, w and m is allowed if the last rule that covers the device and
// it allows it, and denied if there is none. Result 1 lets the access through.
std::vector<bpf_insn> device_program(std::span<const DeviceRule> rules);

}  // namespace wherry::sandbox
