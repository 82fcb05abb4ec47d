// SPDX-License-Identifier: Apache-2.0
#include "shim/streaming/relay.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <future>

namespace wherry::shim {
namespace {

struct Pipe {
  UniqueFd reader, writer;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return os_error(errno, "pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// A process does not expect its own end to be in this mode.
Result<void> set_nonblocking(const UniqueFd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return os_error(errno, "pipe");
  return {};
}

}  // namespace

Result<void> StreamRelay::in_loop(std::function<Result<void>()> action) {
  std::promise<Result<void>> done;
  loop_.post([&] { done.set_value(action()); });
  return done.get_future().get();
}

Result<UniqueFd> StreamRelay::open_output(const std::string& id) {
  Pipe pipe = TRY(make_pipe());
  TRY(set_nonblocking(pipe.reader));
  TRY(in_loop([&] { return streams_.relay_output(id, std::move(pipe.reader)); }));
  return std::move(pipe.writer);
}

Result<UniqueFd> StreamRelay::open_input(const std::string& id) {
  Pipe pipe = TRY(make_pipe());
  TRY(set_nonblocking(pipe.writer));
  TRY(in_loop([&] { return streams_.relay_input(id, std::move(pipe.writer)); }));
  return std::move(pipe.reader);
}

bool StreamRelay::finish(const std::string& id, std::chrono::milliseconds limit) {
  const auto done = std::make_shared<std::promise<void>>();  // the client may take it after we gave up
  auto finished = done->get_future();
  loop_.post([this, id, done] { streams_.finish(id, [done] { done->set_value(); }); });
  return finished.wait_for(limit) == std::future_status::ready;
}

void StreamRelay::end_input(const std::string& id) {
  loop_.post([this, id] { streams_.end_input(id); });
}

void StreamRelay::forget(const std::string& id) {
  loop_.post([this, id] { streams_.forget(id); });
}

}  // namespace wherry::shim
