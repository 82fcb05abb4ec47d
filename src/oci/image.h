// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/document.h"
#include "oci/reference.h"
#include "oci/tree.h"

namespace wherry::oci {

struct Image {
  Reference name;
  Process process;
  int64_t created = 0;  // seconds since 1970, of every file too
  Annotations annotations;
};

struct PackedImage {
  std::string digest;  // of the index
  uint64_t archive_size = 0;
  uint64_t layer_size = 0;  // compressed
  std::vector<Platform> platforms;
};

// Writes an image as one tar file that holds an OCI layout (ctr, skopeo, podman)
// and Docker's manifest.json (docker load) over the same blobs. `path` appears
// when it is complete, or not at all.
Result<PackedImage> write_image(const Image& image, const Tree& tree, const std::string& path);

}  // namespace wherry::oci
