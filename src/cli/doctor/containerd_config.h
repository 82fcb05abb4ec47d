// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::cli {

// What of containerd's configuration concerns us, of either plug-in layout
// (1.6 and 1.7: version 2; 2.x: version 3).
struct ContainerdConfig {
  struct Runtime {
    std::string name;
    std::string path;          // "": the shim is looked up on PATH
    bool annotations = false;  // wherry.dev/* of pods reaches the shim
  };

  int version = 0;
  bool cri = true;                // the Kubernetes plug-in is not disabled
  std::vector<Runtime> runtimes;  // those with our runtime type
};

Result<ContainerdConfig> parse_containerd_config(std::string_view toml);

}  // namespace wherry::cli
