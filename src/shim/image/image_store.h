// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "oci/document.h"
#include "shim/ttrpc/socket.h"

namespace wherry::shim {

// What containerd knows about images, in one namespace. Its answers are not checked
// against their digests here. A call is over by its deadline; not_found means that
// containerd has no such thing.
class ImageStore {
 public:
  using Piece = std::function<Result<void>(std::string_view)>;

  virtual ~ImageStore() = default;

  // The name of the image that a container was made of.
  virtual Result<std::string> image_of(const std::string& container, TimePoint deadline) = 0;
  // What the image's name stands for: a manifest or an index.
  virtual Result<oci::Descriptor> target_of(const std::string& image, TimePoint deadline) = 0;
  // The size of a blob that this namespace has.
  virtual Result<uint64_t> size_of(const std::string& digest, TimePoint deadline) = 0;
  // The blob's bytes in their order; an error of `piece` ends the reading.
  virtual Result<void> read(const std::string& digest, TimePoint deadline, const Piece& piece) = 0;
};

// containerd's own, over gRPC on its socket. Connects at once.
Result<std::unique_ptr<ImageStore>> connect_image_store(const std::string& socket, const std::string& ns);

}  // namespace wherry::shim
