// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include "request.h"
#include "routes.h"

namespace httpbin {

namespace {

constexpr size_t kReadSize = 16 << 10;
constexpr size_t kEnoughUnsent = 64 << 10;

}  // namespace

bool Connection::advance(uint64_t now_ms) {
  last_active_ms_ = now_ms;
  if (!flush()) return false;
  if (wants_read() && !read_some()) return false;
  size_t before = 0;
  do {  // answers that had to wait may leave room for the next ones
    before = in_.size();
    answer_all();
    if (!flush()) return false;
  } while (unsent() == 0 && !closing_ && in_.size() < before);
  return !(closing_ && unsent() == 0);
}

// False if the client is gone.
bool Connection::read_some() {
  static char buffer[kReadSize];
  const Transfer got = receive(socket_, buffer);
  if (got.state == Transfer::State::moved) in_.append(buffer, got.bytes);
  return got.state != Transfer::State::closed;
}

void Connection::answer_all() {
  size_t done = 0;
  while (!closing_ && unsent() < kEnoughUnsent && done < in_.size()) {
    Request request;
    const Parsed parsed = parse(std::string_view(in_).substr(done), request);
    const bool too_long = in_.size() - done > kMaxRequest;
    if (parsed.state == Parsed::State::incomplete && !too_long) {
      if (parsed.wants_continue && !said_continue_) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      said_continue_ |= parsed.wants_continue;
      break;
    }
    if (parsed.state != Parsed::State::complete) {
      closing_ = true;
      append_response(out_, refusal(too_long ? 413 : parsed.status), false);
      break;
    }
    done += parsed.consumed;
    said_continue_ = false;
    closing_ = !request.keep_alive;
    const bool with_body = request.method != "HEAD";
    append_response(out_, answer(std::move(request)), !closing_, with_body);
  }
  in_.erase(0, done);
}

// False if the client is gone.
bool Connection::flush() {
  while (unsent() > 0) {
    const Transfer sent = send(socket_, std::string_view(out_).substr(sent_));
    if (sent.state == Transfer::State::closed) return false;
    if (sent.state == Transfer::State::would_block) return true;
    sent_ += sent.bytes;
  }
  out_.clear();
  sent_ = 0;
  return true;
}

}  // namespace httpbin
