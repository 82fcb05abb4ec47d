// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "oci/digest.h"
#include "oci/document.h"

namespace wherry::registry {

// A directory that goes away with its owner, with all that is in it.
class ScratchDirectory {
 public:
  static Result<std::unique_ptr<ScratchDirectory>> create();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

// An image on this machine as the OCI layout of a directory, or of an archive, which
// is unpacked beside where temporary files go.
// spec: image-spec image-layout.md
class Layout {
 public:
  static Result<std::unique_ptr<Layout>> open(const std::string& path);

  const oci::Index& index() const { return index_; }
  // A document among the blobs, whose digest and size are checked.
  Result<std::string> read(const oci::Descriptor& blob) const;
  Result<UniqueFd> open_blob(const oci::Descriptor& blob) const;

 private:
  std::unique_ptr<ScratchDirectory> scratch_;
  std::string directory_;
  oci::Index index_;
};

// Writes a layout: blobs into a scratch directory first, then all of it as `path`, a
// tar file if the name ends so, else a new directory.
class LayoutWriter {
 public:
  static Result<std::unique_ptr<LayoutWriter>> create();

  Result<void> add(const std::string& digest, std::string_view bytes);
  // Takes the file away from where it is.
  Result<void> add_file(const std::string& digest, const std::string& file);
  bool has(const std::string& digest) const;
  // `image` becomes the layout's one image of that name.
  Result<void> finish(oci::Descriptor image, const std::string& name, const std::string& tag, const std::string& path);

 private:
  explicit LayoutWriter(std::unique_ptr<ScratchDirectory> scratch) : scratch_(std::move(scratch)) {}
  std::string file_of(const std::string& digest) const { return scratch_->path() + "/" + oci::blob_path(digest); }
  Result<void> write_archive(const std::string& path) const;

  const std::unique_ptr<ScratchDirectory> scratch_;
  std::vector<std::string> blobs_;  // digests
};

}  // namespace wherry::registry
