// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sandbox/spec.h"

namespace wherry::sandbox {

// CLONE_NEW* of the namespaces that are made along with the process. The cgroup
// namespace is not among them: its root is where the process is when it is made,
// so the init makes it itself.
uint64_t clone_flags(const Linux& spec);

// CLONE_NEW* of one type.
int clone_flag(NamespaceType type);

}  // namespace wherry::sandbox
