// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "base/fd.h"
#include "shim/ttrpc/event_loop.h"
#include "shim/ttrpc/session.h"

namespace wherry::shim {

class Connection;

// Messages both ways on one connection, after a request that opened it. Ends when
// the server ends it; the connection's end is the other way. Handlers are called in
// the loop's thread, and not after end() or lost().
class Stream {
 public:
  struct Handlers {
    std::function<void(std::string message)> message;
    std::function<void()> ended;  // the client sends no more
    std::function<void()> lost;   // the client is gone
  };

  Stream(std::shared_ptr<Connection> connection, uint32_t id, Handlers handlers);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Loop thread, as all here. Not after end(), nor after close_send().
  void send(std::string_view message);
  // Tells the client that nothing more comes; its own end is still waited for.
  void close_send();
  void end();

 private:
  friend class Server;
  const std::shared_ptr<Connection> connection_;
  const uint32_t id_;
  const Handlers handlers_;
  bool sends_ = true;
};

// The right to answer one request, once, from any thread. Destroyed without an
// answer it refuses, so that no caller waits for nothing.
class Call {
 public:
  Call(std::shared_ptr<Connection> connection, uint32_t stream);
  Call(Call&&) noexcept = default;
  Call& operator=(Call&&) noexcept = default;
  ~Call();

  void answer(std::string payload);
  void refuse(Status status, std::string_view message);
  void refuse(const Error& error) { refuse(status_of(error.kind), error.to_string()); }

  // Goes on as a stream, if the request opened one (Request::opens_stream). Loop thread.
  std::shared_ptr<Stream> open(Stream::Handlers handlers);

  // Which connection it came on; equal for the calls of one connection.
  uint64_t connection_id() const;
  // Forgets the call without an answer: its connection is gone.
  void drop() { connection_ = nullptr; }

 private:
  std::shared_ptr<Connection> connection_;  // the other owner is the server, until the peer leaves
  uint32_t stream_;
};

// Accepts connections on a listening socket and reads requests from them.
// Only peers of our own user and group are served.
class Server {
 public:
  struct Handlers {
    std::function<void(Request, Call)> request;             // in the loop's thread
    std::function<void(uint64_t connection_id)> closed;     // in the loop's thread
  };

  static Result<std::unique_ptr<Server>> create(EventLoop& loop, UniqueFd listener, Handlers handlers);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  size_t connections() const { return connections_.size(); }

 private:
  Server(EventLoop& loop, UniqueFd listener, Handlers handlers);
  void accept_all();
  void adopt(UniqueFd socket);
  void readable(uint64_t id);
  void close(uint64_t id);

  EventLoop& loop_;
  const UniqueFd listener_;
  const Handlers handlers_;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections_;
  uint64_t next_id_ = 1;
};

}  // namespace wherry::shim
