// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/result.h"

namespace wherry::sandbox {

// How much memory the guests of a container may use: a page that the launching
// process writes and the container's processes read, so that a changed limit of the
// container is theirs at once. Destroying it leaves their mappings alone.
class SharedLimit {
 public:
  static constexpr const char* kFileName = "wherry-limit";  // in /proc/PID/maps

  // Who may change it: this object alone, or root too, who finds the file by MappedFiles
  // once this object is gone.
  enum class Writer : uint8_t { creator, root };
  static Result<std::unique_ptr<SharedLimit>> create(uint64_t bytes, Writer writer = Writer::creator);
  ~SharedLimit();
  SharedLimit(const SharedLimit&) = delete;
  SharedLimit& operator=(const SharedLimit&) = delete;

  // Any thread.
  void set(uint64_t bytes) { value_->store(bytes, std::memory_order_relaxed); }
  uint64_t get() const { return value_->load(std::memory_order_relaxed); }

  // For map_shared_limit() in another process, which can not be written through.
  int fd() const { return fd_.get(); }

 private:
  Result<void> give_up_writing();
  SharedLimit(UniqueFd fd, std::atomic<uint64_t>* value) : fd_(std::move(fd)), value_(value) {}

  UniqueFd fd_;
  std::atomic<uint64_t>* const value_;
};

// Writes a new limit into the file of Writer::root.
Result<void> write_shared_limit(int fd, uint64_t bytes);

// Mapped for good.
Result<const std::atomic<uint64_t>*> map_shared_limit(UniqueFd fd);

}  // namespace wherry::sandbox
