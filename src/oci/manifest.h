// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/document.h"

// The documents of images that others made, which may be hostile: what is read of
// them is bounded, and of an entry only what document.h has (so never its `urls`).
namespace wherry::oci {

// Of a document's text, of its lists, and of arrays within objects within arrays.
inline constexpr size_t kMaxDocument = 1 << 20;
inline constexpr size_t kMaxEntries = 4096;
inline constexpr int kMaxDocumentDepth = 16;

inline constexpr char kDockerManifestType[] = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr char kDockerIndexType[] = "application/vnd.docker.distribution.manifest.list.v2+json";

bool is_manifest_type(std::string_view media_type);
bool is_index_type(std::string_view media_type);
// A layer of these is a module or a component as it is, not an archive.
bool is_module_type(std::string_view media_type);

// Errors are one line and begin with what was read: "image manifest: layers[3].size:
// expected a whole number".
Result<Manifest> parse_manifest(std::string_view text);
Result<Index> parse_index(std::string_view text);

}  // namespace wherry::oci
