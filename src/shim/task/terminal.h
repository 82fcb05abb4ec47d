// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "shim/ttrpc/event_loop.h"

namespace wherry::shim {

// The master of a process's pseudoterminal: copies from the client's input to it
// and from it to the client's output, in the loop's thread. When the last process
// has left the terminal the output is closed behind what it wrote. The end of the
// input is typed as the end-of-file character, which a program that reads lines
// takes as such; one that reads keys is hung up.
class Terminal : public std::enable_shared_from_this<Terminal> {
 public:
  // Either stream may be none. `master` and both are in non-blocking mode. The loop
  // owns it too, until it is closed.
  static std::shared_ptr<Terminal> create(EventLoop& loop, UniqueFd master, UniqueFd input, UniqueFd output);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Any thread.
  void start();
  Result<void> resize(uint32_t width, uint32_t height);
  void close();
  // Any thread but the loop's: true once the client has been given everything.
  bool drain(std::chrono::milliseconds limit);

 private:
  // An end of a copy: what the loop waits for on it.
  struct End {
    UniqueFd fd;
    uint32_t events = 0;
  };

  Terminal(EventLoop& loop, UniqueFd master, UniqueFd input, UniqueFd output);
  void want(End& end, uint32_t events);
  void update();
  void read_input();
  void write_master();
  void read_master();
  void write_output();
  void end_input();
  void hang_up();
  void finish();

  EventLoop& loop_;
  End master_, input_, output_;
  std::string typed_;    // read from the input, not yet in the terminal
  std::string printed_;  // read from the terminal, not yet in the output
  bool hung_up_ = false;

  std::mutex mutex_;  // guards what follows, and the master's life
  std::condition_variable done_;
  bool is_done_ = false;
};

}  // namespace wherry::shim
