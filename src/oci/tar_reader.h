// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

struct archive;

namespace wherry::oci {

// Reads a tar file that somebody else made, plain or compressed with gzip or zstd, from front to back.
class TarReader {
 public:
  struct Entry {
    std::string path;      // as it stands there
    bool is_file = false;  // a regular one, with content of its own
    uint64_t size = 0;     // as it claims
  };

  // From the start of `fd`, which stays open as long as this is used. More than `limit` bytes of unpacked content are
  // an error: a compressed file may hold a thousand times its size.
  static Result<std::unique_ptr<TarReader>> create(int fd, uint64_t limit, std::string name);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  // nullopt at the end.
  Result<std::optional<Entry>> next();
  // Of the content of the entry that next() returned last; 0 at its end.
  Result<size_t> read(std::span<char> out);

 private:
  TarReader(archive* in, uint64_t limit, std::string name) : in_(in), left_(limit), name_(std::move(name)) {}
  Error failure() const;
  Result<void> account(uint64_t bytes);

  archive* const in_;
  uint64_t left_;
  const std::string name_;
};

}  // namespace wherry::oci
