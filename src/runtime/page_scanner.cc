// SPDX-License-Identifier: Apache-2.0
#include "runtime/page_scanner.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <atomic>

namespace wherry::runtime {
namespace {

// linux/fs.h has these since 6.7; Debian 12's headers are older.
struct ScanArguments {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t regions;
  uint64_t region_count;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};
static_assert(sizeof(ScanArguments) == 96 && sizeof(PageScanner::Region) == 24);
enum Category : uint64_t { kFile = 1 << 2, kPresent = 1 << 3, kSwapped = 1 << 4, kZeroPage = 1 << 5 };
const unsigned long kScan = _IOWR('f', 16, ScanArguments);

// A pagemap goes on showing the process that opened it, to a forked child too,
// which would then take its own pages for clean ones.
std::atomic<uint32_t> forks{0};

UniqueFd open_pagemap() { return UniqueFd(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)); }

}  // namespace

std::unique_ptr<PageScanner> PageScanner::create() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1); });
  UniqueFd pages = open_pagemap();
  if (registered != 0 || !pages) return nullptr;
  std::unique_ptr<PageScanner> scanner(new PageScanner(std::move(pages), forks.load()));
  // A page of which the answer is known: neither an older kernel nor one that
  // understands the request otherwise may be asked again.
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  const std::span probe(static_cast<uint8_t*>(page), 4096);
  const auto before = scanner->find(probe);
  const bool clean = before && before->empty();
  *static_cast<volatile uint8_t*>(page) = 1;
  const auto after = scanner->find(probe);
  const bool written = after && after->size() == 1;
  munmap(page, 4096);
  return clean && written ? std::move(scanner) : nullptr;
}

bool PageScanner::open_again() {
  pages_ = open_pagemap();
  forks_ = forks.load();
  return static_cast<bool>(pages_);
}

std::optional<std::span<const PageScanner::Region>> PageScanner::find(std::span<uint8_t> range) {
  if (range.empty()) return std::span<const Region>();
  if (forks_ != forks.load(std::memory_order_relaxed) && !open_again()) return std::nullopt;
  ScanArguments scan{};
  scan.size = sizeof scan;
  scan.start = reinterpret_cast<uint64_t>(range.data());
  scan.end = scan.start + range.size();
  scan.regions = reinterpret_cast<uint64_t>(regions_.data());
  scan.region_count = regions_.size();
  scan.category_inverted = kFile | kZeroPage;
  scan.category_mask = kFile | kZeroPage;
  scan.category_anyof_mask = kPresent | kSwapped;
  scan.return_mask = kPresent;
  const int found = ioctl(pages_.get(), kScan, &scan);
  if (found < 0 || scan.walk_end != scan.end) return std::nullopt;
  return std::span<const Region>(regions_).first(static_cast<size_t>(found));
}

}  // namespace wherry::runtime
