// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "shim/proto/ttrpc.pb.h"

namespace wherry::shim {
namespace {

using Clock = std::chrono::steady_clock;

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return error(ErrorKind::invalid, "socket path of " + std::to_string(path.size()) + " bytes: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

Result<UniqueFd> unix_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return os_error(errno, "socket");
  return socket;
}

Result<void> wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return error(ErrorKind::unavailable, "no answer in time");
    pollfd wait{fd, events, 0};
    const int n = ::poll(&wait, 1, static_cast<int>(left));
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return os_error(errno, "poll");
  }
}

Result<void> send_all(int fd, std::string_view bytes, Clock::time_point deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      TRY(wait_for(fd, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return os_error(errno, "send");
    }
  }
  return {};
}

Result<Answer> parse_answer(const std::string& data) {
  pb::Response response;
  if (!response.ParseFromString(data)) return error(ErrorKind::malformed, "malformed ttrpc response");
  return Answer{static_cast<Status>(response.status().code()), response.status().message(), response.payload()};
}

}  // namespace

Result<UniqueFd> connect_unix(const std::string& path) {
  const sockaddr_un address = TRY(unix_address(path));
  UniqueFd socket = TRY(unix_socket());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return os_error(errno, path);
  return socket;
}

Result<UniqueFd> listen_unix(const std::string& path) {
  const sockaddr_un address = TRY(unix_address(path));
  UniqueFd socket = TRY(unix_socket());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    return os_error(errno, path);
  }
  return socket;
}

bool nobody_listens(const std::string& path) {
  const auto address = unix_address(path);
  const auto socket = unix_socket();
  if (!address || !socket) return false;
  if (::connect(socket->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) return false;
  return errno == ECONNREFUSED || errno == ENOENT;
}

Result<std::unique_ptr<Client>> Client::connect(const std::string& path) {
  UniqueFd socket = TRY(connect_unix(path));  // not inside `new`: a return from there would leak it
  return std::unique_ptr<Client>(new Client(std::move(socket)));
}

Result<Answer> Client::call(std::string_view service, std::string_view method, std::string payload,
                            std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
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
    if (n == 0) return error(ErrorKind::unavailable, "the peer closed the connection");
    reader_.feed(std::string_view(buffer, static_cast<size_t>(n)), sink);
    if (oversize) return error(ErrorKind::malformed, "answer longer than a ttrpc frame");
  }
  return parse_answer(*found);
}

}  // namespace wherry::shim
