// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "shim/ttrpc/frame.h"
#include "shim/ttrpc/status.h"

namespace wherry::shim {

// A request as a client sent it.
struct Request {
  uint32_t stream = 0;
  std::string service;
  std::string method;
  std::string payload;
  bool opens_stream = false;  // the client goes on with messages of its own
};

// The rules of one connection without the connection: bytes in, requests and
// refusals out. Streams of a client are odd and strictly increase.
class Session {
 public:
  struct Sink {
    std::function<void(Request)> request;
    // False: no such stream is open. `last`: the client sends no more on it.
    std::function<bool(uint32_t stream, std::optional<std::string> message, bool last)> data;
    std::function<void(uint32_t stream, Status, std::string message)> refuse;
  };

  explicit Session(Sink sink);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void feed(std::string_view bytes) { reader_.feed(bytes, frames_); }

 private:
  void frame(const FrameHeader& header, std::string data);
  bool accept_stream(const FrameHeader& header);

  Sink sink_;
  FrameReader reader_;
  FrameReader::Sink frames_;
  uint32_t last_stream_ = 0;
};

// An answer's frame; a payload that does not fit becomes a refusal.
std::string encode_answer(uint32_t stream, std::string payload);
std::string encode_refusal(uint32_t stream, Status status, std::string_view message);

}  // namespace wherry::shim
