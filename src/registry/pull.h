// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "registry/layout.h"
#include "registry/progress.h"
#include "registry/registry.h"

namespace wherry::registry {

struct PulledImage {
  oci::Descriptor image;                 // what the name stood for, or the platform's manifest
  std::vector<oci::Descriptor> manifests;  // of all platforms that were fetched
};

// Fetches an image into the writer: all of an index, or of one platform of it. What
// was fetched of a blob before a connection broke is kept in the user's cache, and
// the next pull goes on from there.
Result<PulledImage> pull_image(Registry& registry, const oci::Reference& reference, const std::optional<oci::Platform>& platform, LayoutWriter& writer, ProgressLine& progress);

// Writes the module of an image in that layout: that of an artifact, the entrypoint's
// file, or the only .wasm there is.
Result<void> extract_module(const Layout& layout, const oci::Descriptor& manifest, const std::string& path);

}  // namespace wherry::registry
