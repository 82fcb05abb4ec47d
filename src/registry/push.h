// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "registry/layout.h"
#include "registry/progress.h"
#include "registry/registry.h"

namespace wherry::registry {

// Sends the layout's one image with all its platforms, what the registry has not:
// blobs first, the name last. Returns its digest.
Result<std::string> push_image(Registry& registry, const Layout& layout, const oci::Reference& reference, ProgressLine& progress);

// Writes a layout with a module as a CNCF Wasm artifact into a scratch directory.
// spec: tag-runtime.cncf.io Wasm OCI artifact layout
Result<std::unique_ptr<ScratchDirectory>> artifact_of(const std::string& module, const oci::Reference& reference);

}  // namespace wherry::registry
