// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/process_stat.h"

namespace wherry::shim {
namespace {

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

// Whether who listens at the other end is a shim that has been killed: its sockets
// close one after another, and the listener's may be the last.
bool is_leaving(int socket) {
  constexpr uint64_t kExiting = 4;  // PF_EXITING
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) return false;
  const auto stat = process_stat(peer.pid);
  return stat && stat->comm.starts_with("containerd-shim") && (stat->flags & kExiting) != 0;
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
  if (!address) return false;
  const auto socket = unix_socket();
  if (!socket) return false;
  if (::connect(socket->get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) return errno == ECONNREFUSED || errno == ENOENT;
  return is_leaving(socket->get());
}

Error peer_closed() { return error(ErrorKind::unavailable, "the peer closed the connection"); }

Result<void> wait_for(int fd, short events, TimePoint deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return error(ErrorKind::unavailable, "no answer in time");
    pollfd wait{fd, events, 0};
    const int n = ::poll(&wait, 1, static_cast<int>(left));
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return os_error(errno, "poll");
  }
}

Result<void> send_all(int fd, std::string_view bytes, TimePoint deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      TRY(wait_for(fd, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return errno == EPIPE ? peer_closed() : os_error(errno, "send");
    }
  }
  return {};
}

}  // namespace wherry::shim
