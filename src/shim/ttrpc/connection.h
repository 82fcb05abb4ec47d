// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "shim/ttrpc/event_loop.h"
#include "shim/ttrpc/session.h"

namespace wherry::shim {

class Stream;

// One client's socket. Reading belongs to the loop's thread; answers are
// written by whoever has one, and by the loop when the socket was full.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(EventLoop& loop, UniqueFd socket, uint64_t id) : id_(id), loop_(loop), socket_(std::move(socket)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const uint64_t id_;
  std::unique_ptr<Session> session;
  std::atomic<uint32_t> outstanding = 0;  // requests read and not answered
  std::unordered_map<uint32_t, std::shared_ptr<Stream>> streams;  // open ones; loop thread

  int fd() const { return socket_.get(); }

  // Any thread. A peer that lets too much pile up is cut off.
  void send(std::string frame);
  // Loop thread: the socket takes more.
  void writable();
  // Loop thread: what is sent from now on goes nowhere.
  void close();

 private:
  // Writes as much as the socket takes; false when it is full.
  bool flush_locked();

  EventLoop& loop_;
  std::mutex mutex_;
  UniqueFd socket_;
  std::deque<std::string> queue_;
  size_t queued_bytes_ = 0;
  size_t front_written_ = 0;
  bool closed_ = false;
};

}  // namespace wherry::shim
