// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/fd.h"

namespace wherry::runtime {

// Finds the pages of a private mapping that have a content of their own: those
// that were written since they were mapped or given back, be they in memory or
// swapped out. Pages that show their file or the kernel's page of zeros are none.
//
// Used by one thread at a time.
class PageScanner {
 public:
  struct Region {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
  };

  // Nothing if the kernel (before 6.7) or a filter refuses.
  static std::unique_ptr<PageScanner> create();

  // The regions in ascending order, valid until the next call; nothing if there
  // are more than kMost or the kernel refuses.
  std::optional<std::span<const Region>> find(std::span<uint8_t> range);

  static constexpr size_t kMost = 256;

 private:
  PageScanner(UniqueFd pages, uint32_t forks) : pages_(std::move(pages)), forks_(forks) {}
  bool open_again();

  UniqueFd pages_;  // the pagemap of the process that opened it
  uint32_t forks_;  // when it did
  std::array<Region, kMost> regions_;
};

}  // namespace wherry::runtime
