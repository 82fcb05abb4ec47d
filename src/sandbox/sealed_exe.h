// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace wherry::sandbox {

// This program, opened for execveat(fd, ""), such that a process that runs it can
// not write to the file through its /proc/PID/exe (CVE-2019-5736).
Result<UniqueFd> open_sealed_exe();

}  // namespace wherry::sandbox
