// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "shim/proto/ttrpc.pb.h"
#include "shim/ttrpc/socket.h"

namespace wherry::shim {
namespace {

Result<Answer> parse_answer(const std::string& data) {
  pb::Response response;
  if (!response.ParseFromString(data)) return error(ErrorKind::malformed, "malformed ttrpc response");
  return Answer{static_cast<Status>(response.status().code()), response.status().message(), response.payload()};
}

}  // namespace

Result<std::unique_ptr<Client>> Client::connect(const std::string& path) {
  UniqueFd socket = TRY(connect_unix(path));  // not inside `new`: a return from there would leak it
  return std::unique_ptr<Client>(new Client(std::move(socket)));
}

Result<Answer> Client::call(std::string_view service, std::string_view method, std::string payload,
                            std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const uint32_t stream = next_stream_;
  next_stream_ += 2;
  pb::Request request;
  request.set_service(std::string(service));
  request.set_method(std::string(method));
  request.set_payload(std::move(payload));
  request.set_timeout_nano(std::chrono::nanoseconds(timeout).count());
  const std::string body = request.SerializeAsString();
  if (body.size() > kMaxFrameData) return error(ErrorKind::exhausted, "message longer than a ttrpc frame");
  TRY(send_all(socket_.get(), encode_frame(stream, FrameType::request, body), deadline));

  std::optional<std::string> found;
  bool oversize = false;
  const FrameReader::Sink sink{
      .frame =
          [&](const FrameHeader& header, std::string data) {
            if (header.stream == stream && header.type == static_cast<uint8_t>(FrameType::response)) found = std::move(data);
          },
      .oversize = [&](const FrameHeader&) { oversize = true; },
  };
  while (!found) {
    TRY(wait_for(socket_.get(), POLLIN, deadline));
    char buffer[4096];
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n < 0) return os_error(errno, "receive");
    if (n == 0) return peer_closed();
    reader_.feed(std::string_view(buffer, static_cast<size_t>(n)), sink);
    if (oversize) return error(ErrorKind::malformed, "answer longer than a ttrpc frame");
  }
  return parse_answer(*found);
}

}  // namespace wherry::shim
