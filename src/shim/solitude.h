// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

#include "shim/ttrpc/event_loop.h"

namespace wherry::shim {

// Ends a shim that containerd does not know: one that it has started and died before it
// wrote that down, or whose containers it has deleted before it died. Such a shim has no
// client for a while, and if it has no container either nobody will ever find it. Costs
// nothing while there is a client. For the loop's thread.
class Solitude {
 public:
  // `clients` counts them; `end` ends the shim if it has no container.
  Solitude(EventLoop& loop, std::function<size_t()> clients, std::function<void()> end, std::chrono::milliseconds patience = std::chrono::seconds(20));
  ~Solitude();
  Solitude(const Solitude&) = delete;
  Solitude& operator=(const Solitude&) = delete;

  // The shim has begun, or a client is gone.
  void begins();

 private:
  void is_over();

  EventLoop& loop_;
  const std::function<size_t()> clients_;
  const std::function<void()> end_;
  const std::chrono::milliseconds patience_;
  EventLoop::TimerId timer_;
  bool planned_ = false;
};

}  // namespace wherry::shim
