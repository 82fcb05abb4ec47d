// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace wherry::oci {

// The name of an image, complete: what a user leaves out is filled in as Docker
// and containerd do ("httpbin" is docker.io/library/httpbin:latest).
struct Reference {
  std::string registry;    // host, with a port where there is one
  std::string repository;  // slash-separated
  std::string tag;         // empty only beside a digest
  std::string digest;      // "sha256:..." or empty

  std::string to_string() const;
};

// [REGISTRY/]NAME[:TAG][@DIGEST] by the grammar of the distribution project.
Result<Reference> parse_reference(std::string_view text);

}  // namespace wherry::oci
