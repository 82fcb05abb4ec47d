// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init/denial_report.h"

#include <sys/socket.h>

#include "wasi/host/clock.h"

namespace wherry::sandbox {

void DenialReport::tell(wasi::Denial kind, std::string_view detail) {
  constexpr uint64_t kPause = 1'000'000'000;
  Kind& state = kinds_[static_cast<size_t>(kind)];
  const uint64_t now = wasi::monotonic_now();
  if (now < state.next) {
    state.left_out++;
    return;
  }
  std::string text(wasi::kDenialWords[static_cast<size_t>(kind)]);
  text.append(" ").append(detail);
  if (state.left_out > 0) text += " (and " + std::to_string(state.left_out) + " more before)";
  state = {now + kPause, 0};
  (void)::send(socket_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace wherry::sandbox
