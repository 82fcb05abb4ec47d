// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/tar.h"

namespace wherry::oci {

// The file system of an image: collected first, so that a layer comes out in one
// order and no path can be given twice.
class Tree {
 public:
  struct Node {
    TarEntry entry;
    std::string source;  // where a file's content is on this machine
    bool implied;        // a directory that nobody named, only things in it
  };

  // A file, or a directory with all that is below it, at `path` of the image.
  // Symbolic links are kept; devices, sockets and fifos are refused.
  Result<void> add(const std::string& source, std::string_view path);
  Result<void> add_directory(std::string_view path);

  // By path, each after the directories above it.
  const std::map<std::string, Node>& nodes() const { return nodes_; }

 private:
  Result<void> add_below(const std::string& source, const std::string& path, int depth);
  Result<void> insert(Node node);

  std::map<std::string, Node> nodes_;
};

// "/a//b/./c/" as "a/b/c", "/" as ""; an error for "..".
Result<std::string> image_path(std::string_view path);

}  // namespace wherry::oci
