// SPDX-License-Identifier: Apache-2.0
#include "cli/module_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "wasm/limits.h"

namespace wherry::cli {
namespace {

Result<uint64_t> size_of(int fd, const std::string& path) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return os_error(errno, path);
  if (S_ISDIR(info.st_mode)) return error(ErrorKind::invalid, path + ": a directory, not a WebAssembly module");
  if (!S_ISREG(info.st_mode)) return error(ErrorKind::invalid, path + ": not a regular file");
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size > wasm::kMaxModuleSize)
    return error(ErrorKind::exhausted, path + ": " + std::to_string(size) + " bytes, a module has at most " +
                                           std::to_string(wasm::kMaxModuleSize));
  return size;
}

}  // namespace

Result<UniqueFd> open_module(const std::string& path) {
  // O_NONBLOCK: a fifo without a writer must not hold us up.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return os_error(errno, path);
  TRY(size_of(fd.get(), path));
  return fd;
}

Result<ModuleFile> ModuleFile::open(const std::string& path) {
  UniqueFd fd = TRY(open_module(path));
  const uint64_t size = TRY(size_of(fd.get(), path));
  std::span<const uint8_t> bytes;
  if (size > 0) {
    void* const base = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (base == MAP_FAILED) return os_error(errno, path);
    bytes = {static_cast<const uint8_t*>(base), size};
  }
  return ModuleFile(std::move(fd), path, bytes);
}

ModuleFile::ModuleFile(ModuleFile&& other) noexcept
    : fd_(std::move(other.fd_)), name_(std::move(other.name_)), bytes_(std::exchange(other.bytes_, {})) {}

ModuleFile::~ModuleFile() {
  if (!bytes_.empty()) ::munmap(const_cast<uint8_t*>(bytes_.data()), bytes_.size());
}

Error ModuleFile::in_file(Error error) const {
  error.message = name_ + (error.offset == Error::kNoOffset ? ": " + error.message : ":" + error.to_string());
  error.offset = Error::kNoOffset;
  return error;
}

}  // namespace wherry::cli
