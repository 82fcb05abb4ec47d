// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_slot.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/artifact.h"
#include "runtime/page_scanner.h"

namespace wherry::runtime {
namespace {

constexpr uint64_t kHostPage = 4096;
// Up to here a start is written anew where pages can not be asked for.
constexpr uint64_t kRewritten = 64 << 10;

}  // namespace

Result<std::unique_ptr<MemorySlot>> MemorySlot::create(uint64_t bytes) {
  void* const base = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return os_error(errno, "address space for a memory");
  return std::unique_ptr<MemorySlot>(new MemorySlot(static_cast<uint8_t*>(base), bytes));
}

MemorySlot::~MemorySlot() { munmap(base_, reserved_); }

bool MemorySlot::extend(uint64_t end) {
  if (end <= accessible_) return true;
  if (mprotect(base_ + accessible_, end - accessible_, PROT_READ | PROT_WRITE) != 0) {
    broken_ = true;  // a part may have been changed
    return false;
  }
  accessible_ = end;
  return true;
}

Result<void> MemorySlot::set_image(const Artifact& artifact) {
  const abi::Range& image = artifact.header().image;
  const uint64_t address = artifact.header().image_address;
  if (image.size == 0) return {};
  broken_ = true;  // until all of it is there
  if (address % kHostPage != 0 || address > accessible_ || image.size > accessible_ - address) {
    return error(ErrorKind::malformed, "the artifact's memory image does not fit its memory");
  }
  image_ = artifact.bytes(image.offset, image.size);
  image_at_ = address;
  if (mmap(base_ + address, image.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, artifact.file(),
           static_cast<off_t>(image.offset)) == MAP_FAILED) {
    return os_error(errno, "memory image");
  }
  broken_ = false;
  return {};
}

void MemorySlot::set_start(const Owner& owner) {
  owner_ = owner;
  start_ = accessible_;
}

bool MemorySlot::restore(PageScanner* scanner, uint64_t keep_resident) {
  if (broken_ || !forbid(start_)) return false;
  if (!scanner && start_ <= std::min(kRewritten, keep_resident)) {
    write_start(0, start_);
    return true;
  }
  const auto written = scanner ? scanner->find({base_, start_}) : std::nullopt;
  uint64_t bytes = 0;
  if (written) {
    for (const PageScanner::Region& region : *written) bytes += region.end - region.start;
  }
  if (!written || bytes > keep_resident) return madvise(base_, start_, MADV_DONTNEED) == 0;
  const auto base = reinterpret_cast<uint64_t>(base_);
  for (const PageScanner::Region& region : *written) write_start(region.start - base, region.end - base);
  return true;
}

bool MemorySlot::clear() {
  if (broken_ || !forbid(0)) return false;
  owner_ = {};
  start_ = image_at_ = 0;
  image_ = {};
  return true;
}

void MemorySlot::keep_small_pages() { madvise(base_, reserved_, MADV_NOHUGEPAGE); }

// New pages in place of [from, accessible), which none can access.
bool MemorySlot::forbid(uint64_t from) {
  if (accessible_ <= from) return true;
  if (mmap(base_ + from, accessible_ - from, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
           0) == MAP_FAILED) {
    broken_ = true;
    return false;
  }
  madvise(base_ + from, accessible_ - from, MADV_NOHUGEPAGE);  // so that it is one mapping with the rest again
  accessible_ = from;
  return true;
}

// The bytes [from, to) as they were at set_start().
void MemorySlot::write_start(uint64_t from, uint64_t to) {
  const uint64_t first = std::clamp(image_at_, from, to), last = std::clamp(image_at_ + image_.size(), first, to);
  memset(base_ + from, 0, first - from);
  if (first < last) memcpy(base_ + first, image_.data() + (first - image_at_), last - first);
  memset(base_ + last, 0, to - last);
}

}  // namespace wherry::runtime
