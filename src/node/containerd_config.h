// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wherry::node {

// The oldest version of the file that calls the plug-in of Kubernetes by its new name (containerd 2.0;
// 2.3 made it 4, which moved the server's own settings and nothing that we write).
inline constexpr int kFirstVersionOf2 = 3;
// The latest that is known here.
inline constexpr int kLastVersion = 4;

// What of containerd's configuration concerns us, of either plug-in layout
// (1.6 and 1.7: version 2; 2.x: versions 3 and 4).
struct ContainerdConfig {
  struct Runtime {
    std::string name;
    std::string type;
    std::string path;          // "": the shim is looked up on PATH
    bool annotations = false;  // wherry.dev/* of pods reaches the shim
  };

  int version = 0;                    // 1 if the file does not say, 0 for what is no version
  bool cri = true;                    // the Kubernetes plug-in is not disabled
  bool systemd_cgroup = false;        // what runc's handler is told
  std::string address;                // of its socket; "" if the file does not say
  std::vector<std::string> imports;   // as written: files or patterns
  std::vector<Runtime> runtimes;      // those with our runtime type
  std::vector<Runtime> all_runtimes;  // handlers of Kubernetes
};

Result<ContainerdConfig> parse_containerd_config(std::string_view toml);

// The plug-in whose table has the handlers.
std::string cri_plugin(int version);

}  // namespace wherry::node
