// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/store.h"
#include "wasi/host/counters.h"

namespace wherry::sandbox {

// What a container's guests count, in a page that its processes write and the
// shim and `wherry top` read: numbers to show, never to trust.
struct GuestStatsPage {
  static constexpr uint32_t kMagic = 0x57484701;  // the last byte is the version

  uint32_t magic = kMagic;
  // Of the container, as CRI names them; whoever made the page wrote them.
  char id[80] = {}, pod[256] = {}, pod_namespace[64] = {}, name[64] = {};
  wasi::Counters counters{};
  runtime::MemoryGauge memory{};           // of the init's guest; those of execs keep their own
  std::atomic<uint64_t> out_of_memory{0};  // guests that ended for it, of execs too, as the kernel counts a cgroup's
};

struct ContainerNames {
  std::string_view id, pod, pod_namespace, name;  // cut to what fits
};

// The page of one container. It can neither shrink nor grow, so that nobody who
// writes it can make a reader fault. Destroying it leaves other mappings alone.
class GuestStats {
 public:
  // The name of the file in /proc/PID/maps.
  static constexpr const char* kFileName = "wherry-stats";

  static Result<std::unique_ptr<GuestStats>> create(const ContainerNames& names);
  ~GuestStats();
  GuestStats(const GuestStats&) = delete;
  GuestStats& operator=(const GuestStats&) = delete;

  const GuestStatsPage& page() const { return *page_; }
  int fd() const { return fd_.get(); }  // for map_guest_stats() in another process

 private:
  GuestStats(UniqueFd fd, GuestStatsPage* page) : fd_(std::move(fd)), page_(page) {}

  const UniqueFd fd_;
  GuestStatsPage* const page_;
};

// Mapped for good, and written from now on.
Result<GuestStatsPage*> map_guest_stats(UniqueFd fd);

}  // namespace wherry::sandbox
