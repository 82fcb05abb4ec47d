// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace wherry::shim {

// A connected or listening Unix stream socket, non-blocking; `path` may not be
// longer than the kernel takes.
Result<UniqueFd> connect_unix(const std::string& path);
Result<UniqueFd> listen_unix(const std::string& path);

// True only if it is sure: a full backlog or a lack of permission is somebody.
bool nobody_listens(const std::string& path);

using TimePoint = std::chrono::steady_clock::time_point;

// unavailable: "the peer closed the connection".
Error peer_closed();

// Until one of poll's `events`, or unavailable: "no answer in time".
Result<void> wait_for(int fd, short events, TimePoint deadline);

// All of `bytes`, or peer_closed() if nobody can read them.
Result<void> send_all(int fd, std::string_view bytes, TimePoint deadline);

}  // namespace wherry::shim
