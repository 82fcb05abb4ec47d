// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

struct archive;

namespace wherry::oci {

struct TarEntry {
  enum class Kind { file, directory, symlink };

  Kind kind = Kind::file;
  std::string path;  // without a leading slash
  uint32_t mode = 0644;
  std::string target;  // symlink
  uint64_t size = 0;   // file
};

// Writes a tar file whose bytes follow from its entries alone: owner 0:0, one
// time for all.
class TarWriter {
 public:
  static Result<std::unique_ptr<TarWriter>> create(int fd, int64_t mtime);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  // A directory or a symbolic link.
  Result<void> add(const TarEntry& entry);
  Result<void> add(const std::string& path, std::string_view content);
  // A file with entry.size bytes that are read from `content`; fails if there are fewer.
  Result<void> add(const TarEntry& entry, int content);
  // Ends the archive; nothing may be added afterwards.
  Result<void> finish();

 private:
  TarWriter(archive* out, int64_t mtime) : out_(out), mtime_(mtime) {}
  Error failure() const;
  Result<void> header(const TarEntry& entry);

  archive* const out_;
  const int64_t mtime_;
};

// Compresses the whole file `in` into `out`; the stream has neither name nor time.
Result<void> gzip(int in, int out);

}  // namespace wherry::oci
