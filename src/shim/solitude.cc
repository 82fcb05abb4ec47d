// SPDX-License-Identifier: Apache-2.0
#include "shim/solitude.h"

#include <utility>

namespace wherry::shim {

Solitude::Solitude(EventLoop& loop, std::function<size_t()> clients, std::function<void()> end, std::chrono::milliseconds patience)
    : loop_(loop), clients_(std::move(clients)), end_(std::move(end)), patience_(patience) {}

Solitude::~Solitude() {
  if (planned_) loop_.cancel(timer_);
}

void Solitude::begins() {
  if (clients_() > 0) return;
  if (planned_) loop_.cancel(timer_);
  planned_ = true;
  timer_ = loop_.after(patience_, [this] { is_over(); });
}

void Solitude::is_over() {
  planned_ = false;
  if (clients_() == 0) end_();
}

}  // namespace wherry::shim
