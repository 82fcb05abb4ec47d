// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "node/finding.h"

namespace wherry::cli {

struct Area {
  const char* name;
  std::vector<node::Finding> findings;
};

// On standard output; returns the exit code: 0 if there is no problem.
int print_findings(const std::vector<Area>& areas, bool json);

}  // namespace wherry::cli
