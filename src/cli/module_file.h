// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::cli {

// A module's file, opened and mapped. That it is a regular file of a possible
// size is checked; what is in it is not.
class ModuleFile {
 public:
  static Result<ModuleFile> open(const std::string& path);
  ModuleFile(ModuleFile&& other) noexcept;
  ModuleFile& operator=(ModuleFile&&) = delete;
  ~ModuleFile();

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }
  std::span<const uint8_t> bytes() const { return bytes_; }
  // The error with the file's name before it.
  Error in_file(Error error) const;

 private:
  ModuleFile(UniqueFd fd, std::string name, std::span<const uint8_t> bytes)
      : fd_(std::move(fd)), name_(std::move(name)), bytes_(bytes) {}

  UniqueFd fd_;
  std::string name_;
  std::span<const uint8_t> bytes_;
};

// The module's file for reading, checked in the same way but not mapped.
Result<UniqueFd> open_module(const std::string& path);

}  // namespace wherry::cli
