// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "socket.h"

namespace httpbin {

// One client: reads requests, answers them in order, and stops reading while
// more than a little of its answers is unsent.
class Connection {
 public:
  explicit Connection(Socket socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.fd(); }
  bool wants_read() const { return !closing_ && unsent() == 0; }
  bool wants_write() const { return unsent() > 0; }
  uint64_t last_active_ms() const { return last_active_ms_; }

  // Does what is possible without waiting. False: the connection is over.
  bool advance(uint64_t now_ms);

 private:
  size_t unsent() const { return out_.size() - sent_; }
  bool read_some();
  void answer_all();
  bool flush();

  Socket socket_;
  std::string in_, out_;
  size_t sent_ = 0;
  uint64_t last_active_ms_ = 0;
  bool closing_ = false;         // ends when all is sent
  bool said_continue_ = false;  // to the request that is being read
};

}  // namespace httpbin
