// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "shim/streaming/streams.h"

namespace wherry::shim {

// Streams for the other threads: what returns something waits for the loop, so the
// loop's thread may only call the rest. Both objects must outlive it.
class StreamRelay {
 public:
  StreamRelay(EventLoop& loop, Streams& streams) : loop_(loop), streams_(streams) {}
  StreamRelay(const StreamRelay&) = delete;
  StreamRelay& operator=(const StreamRelay&) = delete;

  // Each makes a pipe between the stream of that id and the descriptor it returns.
  Result<UniqueFd> open_output(const std::string& id);
  Result<UniqueFd> open_input(const std::string& id);
  // The process is gone: true once its output is with the client, or there is none.
  bool finish(const std::string& id, std::chrono::milliseconds limit);

  // Loop thread; as Streams has it.
  bool unread(const std::string& id) const { return streams_.unread(id); }
  // Any thread.
  void end_input(const std::string& id);
  void forget(const std::string& id);

 private:
  Result<void> in_loop(std::function<Result<void>()> action);

  EventLoop& loop_;
  Streams& streams_;
};

}  // namespace wherry::shim
