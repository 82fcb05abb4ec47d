// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace wherry::registry {

// What a directory for one registry has, in docker's way: *.crt are authorities, NAME.cert with NAME.key is shown to the
// registry.
struct Certificates {
  std::string authorities;       // PEM
  std::string certificate, key;  // paths, or ""
};

// The directories in which docker, podman and containerd look for a registry's.
std::vector<std::string> certificate_directories(const std::string& registry);
// Of the first of these directories that is there.
Result<Certificates> read_certificates(const std::vector<std::string>& directories);
// A file of authorities.
Result<std::string> read_authorities(const std::string& path);

}  // namespace wherry::registry
