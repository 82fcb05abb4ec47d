// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "wasi/host/descriptor_table.h"
#include "wasi/host/wait.h"

namespace wherry::wasi {

struct Subscription {
  enum class Kind : uint8_t { clock, fd_read, fd_write };
  uint64_t userdata;
  Kind kind;
  uint32_t fd;         // fd_read, fd_write
  Clock clock;         // clock, from here on
  uint64_t timeout;    // nanoseconds
  bool absolute;
};

struct Event {
  uint64_t userdata;
  Errno error;
  Subscription::Kind kind;
  uint64_t nbytes;
  bool hangup;
};

// Waits for the first of many things, with one ppoll that the interruption also
// ends. Keeps its buffers, so that a server's loop allocates nothing.
class Poller {
 public:
  // Filled by the caller before wait(); then holds what was waited for.
  std::vector<Subscription> subscriptions;

  // The events that happened, at least one; intr after an interruption. A
  // subscription that can not be waited for is an event with its error.
  Io<std::span<const Event>> wait(DescriptorTable& files, const Wake& wake);

 private:
  void prepare(DescriptorTable& files);
  Io<void> run(const Wake& wake);
  void collect_fds();
  void collect_clocks(uint64_t now);

  std::vector<pollfd> fds_;           // by subscription, then the wake descriptor; fd -1: nothing to wait for
  std::vector<uint64_t> deadlines_;   // by subscription, monotonic; ~0 for none
  std::vector<Event> events_;
  uint64_t start_ = 0;
  uint64_t first_deadline_ = 0;
};

}  // namespace wherry::wasi
