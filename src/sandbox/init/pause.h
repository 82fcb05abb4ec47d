// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace wherry::sandbox {

// Holds the pod's namespaces and reaps the orphans of its pid namespace, until
// SIGTERM or SIGINT. All signals must be blocked.
int run_pause();

}  // namespace wherry::sandbox
