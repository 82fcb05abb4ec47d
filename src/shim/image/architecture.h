// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace wherry::shim {

// What containerd and images call the machine that this runs on: "amd64", "arm64".
std::string architecture();

}  // namespace wherry::shim
