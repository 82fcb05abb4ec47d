// SPDX-License-Identifier: Apache-2.0
#include "shim/task/terminal.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace wherry::shim {
namespace {

constexpr size_t kBuffer = 16 << 10;
constexpr uint32_t kMaxSize = UINT16_MAX;

enum class Got : uint8_t { some, nothing_now, end };

// Reads into an empty buffer.
Got read_some(int fd, std::string& buffer) {
  buffer.resize(kBuffer);
  ssize_t n;
  do n = ::read(fd, buffer.data(), buffer.size());
  while (n < 0 && errno == EINTR);
  const int code = n < 0 ? errno : 0;
  buffer.resize(n > 0 ? static_cast<size_t>(n) : 0);
  if (n > 0) return Got::some;
  return code == EAGAIN ? Got::nothing_now : Got::end;  // a terminal that nobody has open says EIO
}

// Writes what it can and keeps the rest. False if nobody will ever read it.
bool write_some(int fd, std::string& buffer) {
  while (!buffer.empty()) {
    const ssize_t n = ::write(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    buffer.erase(0, static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

std::shared_ptr<Terminal> Terminal::create(EventLoop& loop, UniqueFd master, UniqueFd input, UniqueFd output) {
  return std::shared_ptr<Terminal>(new Terminal(loop, std::move(master), std::move(input), std::move(output)));
}

Terminal::Terminal(EventLoop& loop, UniqueFd master, UniqueFd input, UniqueFd output)
    : loop_(loop), master_{std::move(master)}, input_{std::move(input)}, output_{std::move(output)} {}

void Terminal::start() {
  loop_.post([self = shared_from_this()] { self->update(); });
}

Result<void> Terminal::resize(uint32_t width, uint32_t height) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(std::min(width, kMaxSize));
  size.ws_row = static_cast<unsigned short>(std::min(height, kMaxSize));
  const std::lock_guard lock(mutex_);
  if (master_.fd && ::ioctl(master_.fd.get(), TIOCSWINSZ, &size) != 0) return os_error(errno, "terminal: TIOCSWINSZ");
  return {};
}

void Terminal::close() {
  loop_.post([self = shared_from_this()] {
    self->printed_.clear();
    self->finish();
  });
}

bool Terminal::drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return done_.wait_for(lock, limit, [this] { return is_done_; });
}

void Terminal::want(End& end, uint32_t events) {
  if (!end.fd || events == end.events) return;
  const uint32_t before = std::exchange(end.events, events);
  if (events == 0) return loop_.forget(end.fd.get());
  if (before != 0) return loop_.change(end.fd.get(), events);
  const auto watched = loop_.watch(end.fd.get(), events, [self = shared_from_this(), &end](uint32_t) {
    if (&end == &self->input_) {
      self->read_input();
    } else if (&end == &self->output_) {
      self->write_output();
    } else {
      if (end.events & EPOLLOUT) self->write_master();
      if (end.events & EPOLLIN) self->read_master();
    }
    self->update();
  });
  // A file is never waited for.
  if (!watched) end.events = 0;
}

// Waits for what can be done next. Nothing is watched that would not be read or
// written, since the end of a stream is reported over and over.
void Terminal::update() {
  if (hung_up_ && printed_.empty()) return finish();
  want(input_, typed_.empty() ? static_cast<uint32_t>(EPOLLIN) : 0);
  want(output_, printed_.empty() ? 0 : static_cast<uint32_t>(EPOLLOUT));
  const uint32_t reads = printed_.empty() ? static_cast<uint32_t>(EPOLLIN) : 0;
  const uint32_t writes = typed_.empty() ? 0 : static_cast<uint32_t>(EPOLLOUT);
  if (!hung_up_) want(master_, reads | writes);
}

void Terminal::read_input() {
  const Got got = read_some(input_.fd.get(), typed_);
  if (got == Got::end) return end_input();
  write_master();
}

void Terminal::write_master() {
  if (!write_some(master_.fd.get(), typed_)) typed_.clear();
}

void Terminal::read_master() {
  const Got got = read_some(master_.fd.get(), printed_);
  if (got == Got::end) return hang_up();
  write_output();
}

void Terminal::write_output() {
  if (!output_.fd || !write_some(output_.fd.get(), printed_)) printed_.clear();
}

void Terminal::end_input() {
  want(input_, 0);
  input_.fd.reset();
  termios settings{};
  if (::tcgetattr(master_.fd.get(), &settings) == 0 && (settings.c_lflag & ICANON)) {
    typed_.assign(1, static_cast<char>(settings.c_cc[VEOF]));
    return write_master();
  }
  hang_up();
}

void Terminal::hang_up() {
  hung_up_ = true;
  want(master_, 0);
  typed_.clear();
  const std::lock_guard lock(mutex_);
  master_.fd.reset();
}

void Terminal::finish() {
  hang_up();
  for (End* const end : {&input_, &output_}) {
    want(*end, 0);
    end->fd.reset();
  }
  const std::lock_guard lock(mutex_);
  is_done_ = true;
  done_.notify_all();
}

}  // namespace wherry::shim
