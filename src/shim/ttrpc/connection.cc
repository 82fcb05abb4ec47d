// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/connection.h"

#include <sys/epoll.h>

#include <cerrno>

namespace wherry::shim {
namespace {
constexpr size_t kMaxQueued = 16u << 20;
}  // namespace

void Connection::send(std::string frame) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  const bool was_empty = queue_.empty();
  queued_bytes_ += frame.size();
  queue_.push_back(std::move(frame));
  if (!was_empty) {
    if (queued_bytes_ > kMaxQueued) ::shutdown(socket_.get(), SHUT_RDWR);
    return;
  }
  if (!flush_locked()) {
    loop_.post([self = shared_from_this()] {
      if (!self->closed_) self->loop_.change(self->fd(), EPOLLIN | EPOLLOUT);
    });
  }
}

void Connection::writable() {
  const std::lock_guard lock(mutex_);
  if (!closed_ && flush_locked()) loop_.change(fd(), EPOLLIN);
}

void Connection::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  queue_.clear();
  socket_.reset();
}

bool Connection::flush_locked() {
  while (!queue_.empty()) {
    const std::string& front = queue_.front();
    const ssize_t n = ::send(socket_.get(), front.data() + front_written_, front.size() - front_written_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) {
      // The reader sees the end of this connection too and closes it.
      queue_.clear();
      queued_bytes_ = front_written_ = 0;
      return true;
    }
    front_written_ += static_cast<size_t>(n);
    if (front_written_ < front.size()) continue;
    queued_bytes_ -= front.size();
    front_written_ = 0;
    queue_.pop_front();
  }
  return true;
}

}  // namespace wherry::shim
