// SPDX-License-Identifier: Apache-2.0
// Do the documents of images that others made end in values within their limits, or in one line?
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "oci/digest.h"
#include "oci/manifest.h"

namespace {

using namespace wherry;

void check(const std::vector<oci::Descriptor>& entries) {
  if (entries.size() > oci::kMaxEntries) std::abort();
}

void check(const Error& error) {
  if (error.message.empty() || error.message.find('\n') != std::string::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = oci::parse_manifest(text);
  manifest ? check(manifest->layers) : check(manifest.error());
  const auto index = oci::parse_index(text);
  index ? check(index->manifests) : check(index.error());
  // What was read can be written, and is then the same.
  if (manifest && (!oci::parse_manifest(oci::to_json(*manifest)) || oci::to_json(*oci::parse_manifest(oci::to_json(*manifest))) != oci::to_json(*manifest))) std::abort();
  (void)oci::parse_digest(text);
  return 0;
}
