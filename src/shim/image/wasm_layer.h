// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "shim/image/image_store.h"

namespace wherry::shim {

// A layer that is a module as it is, not an archive with files.
struct WasmLayer {
  std::string image;  // the name
  Digest digest{};
  uint64_t size = 0;

  std::string to_string() const;  // "image docker.io/library/app:1, layer sha256:..."
};

// The module in the layers of the image that `container` was made of: a CNCF Wasm
// artifact or an image of runwasi's kind; nothing if it is neither. In an index it
// is the manifest for linux and `architecture` ("amd64"), as containerd chooses, or
// else one for Wasm. Of several modules it is the one whose title is the last part
// of `program`.
//
// Each document is checked against its digest; what a hostile image can make this
// read or keep is bounded. The blob itself is known to be there with that size.
Result<std::optional<WasmLayer>> find_wasm_layer(ImageStore& store, const std::string& container, std::string_view program,
                                                 std::string_view architecture, TimePoint deadline);

// Writes the layer to `file`, at its position. It is what its digest says, or an
// error; then the file may hold some of it.
Result<void> fetch_layer(ImageStore& store, const WasmLayer& layer, int file, TimePoint deadline);

}  // namespace wherry::shim
