// SPDX-License-Identifier: Apache-2.0
#include "shim/task/denial_log.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace wherry::shim {

// Loop thread, but for its making.
struct DenialLog::Reader : std::enable_shared_from_this<Reader> {
  Reader(EventLoop& loop_, const Log& log_, DenialSource source_, UniqueFd socket_)
      : loop(loop_), log(log_), source(std::move(source_)), socket(std::move(socket_)) {}

  EventLoop& loop;
  const Log& log;
  const DenialSource source;
  const UniqueFd socket;
  bool watched = false;
  bool closed = false;

  void watch() {
    if (closed) return;
    watched = static_cast<bool>(loop.watch(socket.get(), EPOLLIN, [self = shared_from_this()](uint32_t) { self->read(); }));
  }

  void stop() {
    closed = true;
    pause();
  }

  void pause() {
    if (watched) loop.forget(socket.get());
    watched = false;
  }

  void read() {
    constexpr int kMostLines = 16;
    constexpr std::chrono::seconds kPause{1};
    for (int i = 0; i < kMostLines && read_one(); i++) {
    }
    pause();
    loop.after(kPause, [self = shared_from_this()] { self->watch(); });
  }

  bool read_one() {
    char text[512];
    const ssize_t size = ::recv(socket.get(), text, sizeof text, MSG_DONTWAIT);
    if (size <= 0) return false;
    log.write(Level::warning, "the guest was denied: " + std::string(text, static_cast<size_t>(size)),
              {{"container", source.container}, {"pod", source.pod}, {"name", source.name}});
    return true;
  }
};

Result<std::unique_ptr<DenialLog>> DenialLog::create(EventLoop& loop, const Log& log, DenialSource source) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) return os_error(errno, "socketpair");
  UniqueFd writer(pair[1]);
  auto reader = std::make_shared<Reader>(loop, log, std::move(source), UniqueFd(pair[0]));
  ::shutdown(writer.get(), SHUT_RD);
  ::shutdown(reader->socket.get(), SHUT_WR);
  loop.post([reader] { reader->watch(); });
  return std::unique_ptr<DenialLog>(new DenialLog(std::move(reader), std::move(writer)));
}

DenialLog::~DenialLog() {
  reader_->loop.post([reader = reader_] { reader->stop(); });
}

}  // namespace wherry::shim
