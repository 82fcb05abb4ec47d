// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "shim/streaming/relay.h"
#include "shim/task/logger.h"

namespace wherry::shim {

// Where a container's standard streams go, as containerd names them: "" for
// nothing, the path of a fifo, a URI in stdout for both outputs, or for each a
// stream over ttrpc (`ttrpc+unix://SOCKET?streaming_id=ID`). `container` and `ns`
// are for a logging program.
struct StdioConfig {
  std::string stdin_path{};
  std::string stdout_path{};
  std::string stderr_path{};
  bool terminal = false;
  std::string container{}, ns{};
};

// Calls the action, from any thread, when an open has taken too long.
using Deadline = std::function<void(std::function<void()> action)>;

// The shim's part of a container's streams. The container writes into the fifo
// itself: its end is the only writer, so that the client sees the end of file
// when the process is gone, while our reader keeps the process from EPIPE while
// the client is away. Of stdin we hold a writer from started() on, so that a
// client that detaches does not end it; close_stdin() lets it go.
class Stdio {
 public:
  // Waits for the client to open the other end of its fifos, until the deadline.
  // `relay` may be nullptr where there are no streams over ttrpc.
  static Result<std::unique_ptr<Stdio>> open(const StdioConfig& config, const Deadline& deadline, StreamRelay* relay = nullptr);
  ~Stdio();
  Stdio(const Stdio&) = delete;
  Stdio& operator=(const Stdio&) = delete;

  // For the container, -1 is /dev/null. Valid until container_has_them(). With a
  // terminal there are none: the shim copies between take_end(0), take_end(1), which
  // are in non-blocking mode, and the terminal.
  int fd(int number) const { return container_[number].get(); }
  UniqueFd take_end(int number) { return std::move(terminal_[number]); }
  // Closes the container's ends here.
  void container_has_them();

  // The container is about to run. A client that has closed stdin already may
  // have done so before it could tell containerd: that is its end.
  Result<void> started();
  void close_stdin();
  // Whether the outputs go over ttrpc.
  bool is_streamed() const;
  // The process is dead: whether the client has yet to read what it wrote. Loop thread.
  bool unread() const;
  // The process is dead: waits, for a while, until the client has what it wrote.
  // Nothing to do for fifos, which the process wrote into itself. A logging
  // program is waited for to its end.
  void drain();

 private:
  explicit Stdio(StreamRelay* relay) : relay_(relay) {}
  Result<bool> open_stream(int number, const std::string& uri);
  Result<void> open_outputs(const StdioConfig& config, const Deadline& deadline);
  Result<void> start_logger(std::string_view scheme, std::string_view rest, const StdioConfig& config);

  Result<void> keep_ends_for_terminal();

  UniqueFd container_[3];
  UniqueFd terminal_[2];
  std::string stdin_fifo_;  // "": not a fifo, or closed
  UniqueFd stdin_probe_;    // the container's reader, until started()
  UniqueFd stdin_writer_;
  UniqueFd readers_[3];
  StreamRelay* const relay_;
  std::string streams_[3];  // ids, "" for what is not streamed
  std::unique_ptr<Logger> logger_;
};

}  // namespace wherry::shim
