// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/spec.h"

namespace wherry::sandbox {

// A specification's rules and behind them the devices that every guest may open
// (design.md, host decisions). None if there are none: the cgroup is left as it is.
// invalid for numbers that no device has.
Result<std::vector<DeviceRule>> device_rules(const std::vector<DeviceRule>& specified);

// As cgroup v1's devices.allow and devices.deny take it: "c 1:3 rwm".
std::string to_string(const DeviceRule& rule);

}  // namespace wherry::sandbox
