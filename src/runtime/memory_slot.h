// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace wherry::runtime {

class Artifact;
class PageScanner;

// The address space of one memory: reserved once, accessible from its start up to
// where the memory has grown. What it holds when an instance starts is kept in
// mind, so that it can be made so again for the next one (Pool).
//
// A slot that could not be changed as it should is never used again.
class MemorySlot {
 public:
  // Whose start a slot holds; artifact 0: nobody's.
  struct Owner {
    uint64_t artifact = 0;  // Artifact::id
    uint32_t memory = 0;
    bool operator==(const Owner&) const = default;
  };

  static Result<std::unique_ptr<MemorySlot>> create(uint64_t bytes);
  ~MemorySlot();
  MemorySlot(const MemorySlot&) = delete;
  MemorySlot& operator=(const MemorySlot&) = delete;

  uint8_t* base() const { return base_; }
  uint64_t reserved() const { return reserved_; }
  const Owner& owner() const { return owner_; }

  // Makes [0, end) accessible; false if the host refuses.
  bool extend(uint64_t end);
  // Maps an artifact's image, copy-on-write, into what is accessible. Only once,
  // before the guest has run.
  Result<void> set_image(const Artifact& artifact);
  // What is there now is what `owner` starts with.
  void set_start(const Owner& owner);

  // To the last set_start(), whatever a guest did meanwhile; at most
  // `keep_resident` bytes stay in memory. Without a scanner, or beyond that, pages go
  // back to the kernel. The artifact of set_image() must still be there.
  bool restore(PageScanner* scanner, uint64_t keep_resident);
  // To an empty slot of nobody's.
  bool clear();
  // Never to be made of huge pages, which would be restored as a whole.
  void keep_small_pages();

 private:
  MemorySlot(uint8_t* base, uint64_t reserved) : base_(base), reserved_(reserved) {}

  bool forbid(uint64_t from);
  void write_start(uint64_t from, uint64_t to);

  uint8_t* const base_;
  const uint64_t reserved_;
  uint64_t accessible_ = 0;
  uint64_t start_ = 0;  // accessible at set_start()
  Owner owner_;
  std::span<const uint8_t> image_;
  uint64_t image_at_ = 0;
  bool broken_ = false;
};

}  // namespace wherry::runtime
