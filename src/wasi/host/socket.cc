// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "wasi/host/policy.h"
#include "wasi/host/types.h"

namespace wherry::wasi {
namespace {

constexpr Rights kStreamRights = right::fd_read | right::fd_write | right::fd_fdstat_set_flags | right::fd_filestat_get |
                                 right::poll_fd_readwrite | right::sock_shutdown | right::sock_accept;
constexpr uint32_t kMaxBacklog = 4096;

Descriptor describe(UniqueFd fd, SocketType type, Fdflags flags) {
  Descriptor result;
  result.fd = std::move(fd);
  result.kind = Descriptor::Kind::socket;
  result.filetype = type == SocketType::stream ? Filetype::socket_stream : Filetype::socket_dgram;
  result.flags = flags;
  result.base = result.inheriting = kStreamRights;
  return result;
}

// A guest has no means to switch off Nagle's algorithm, with which an answer in
// two writes waits 40 ms for the peer's delayed acknowledgement. What a listener
// accepts inherits the setting.
void send_at_once(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Tries `call` until it succeeds, waiting as the descriptor's mode asks.
template <class Call>
Io<size_t> repeat(const Descriptor& socket, short events, uint64_t timeout, const Wake& wake, Call call) {
  for (;;) {
    const ssize_t n = call();
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EINTR) {
      if (wake.interrupted()) return Errno::intr;
    } else if (errno == EAGAIN && !socket.nonblocking()) {
      TRY(wait_for(socket.fd.get(), events, timeout, wake));
    } else {
      return last_errno();
    }
  }
}

config::Transport transport_of(const Descriptor& socket) {
  return socket.filetype == Filetype::socket_stream ? config::Transport::tcp : config::Transport::udp;
}

Io<void> done(int result) {
  if (result != 0) return last_errno();
  return {};
}

msghdr message_of(std::span<const iovec> buffers) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(buffers.data());
  message.msg_iovlen = buffers.size();
  return message;
}

// The kernel's MSG_WAITALL does nothing for its non-blocking sockets.
Io<size_t> receive_all(const Descriptor& socket, const iovec& buffer, const Wake& wake) {
  iovec rest = buffer;
  while (rest.iov_len > 0) {
    const auto receive = [&] { return ::recv(socket.fd.get(), rest.iov_base, rest.iov_len, 0); };
    const size_t n = TRY(repeat(socket, POLLIN, socket.recv_timeout, wake, receive));
    if (n == 0) break;
    rest.iov_base = static_cast<char*>(rest.iov_base) + n;
    rest.iov_len -= n;
  }
  return buffer.iov_len - rest.iov_len;
}

}  // namespace

Io<Descriptor> socket_open(SocketAddress::Family family, SocketType type) {
  const int domain = family == SocketAddress::Family::inet4 ? AF_INET : AF_INET6;
  const int kind = type == SocketType::stream ? SOCK_STREAM : SOCK_DGRAM;
  UniqueFd fd(::socket(domain, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return last_errno();
  if (type == SocketType::stream) send_at_once(fd.get());
  return describe(std::move(fd), type, 0);
}

Io<Descriptor> socket_adopt(UniqueFd fd, bool blocking) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0) return last_errno();
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return last_errno();
  if (type == SOCK_STREAM) send_at_once(fd.get());
  return describe(std::move(fd), type == SOCK_STREAM ? SocketType::stream : SocketType::datagram,
                  blocking ? Fdflags{0} : fdflag::nonblock);
}

// A TCP socket does nothing with an address but connect from it until it listens,
// when the port that the kernel has chosen is known.
Io<void> socket_bind(const Descriptor& socket, const SocketAddress& address) {
  const bool later = socket.filetype == Filetype::socket_stream && address.port == 0;
  if (socket.policy && !later) TRY(socket.policy->check_listening(address, transport_of(socket)));
  sockaddr_storage raw;
  const socklen_t size = address.to_linux(raw);
  return done(::bind(socket.fd.get(), reinterpret_cast<const sockaddr*>(&raw), size));
}

Io<void> socket_listen(const Descriptor& socket, uint32_t backlog) {
  if (socket.policy) TRY(socket.policy->check_listening(TRY(socket_local_address(socket)), transport_of(socket)));
  return done(::listen(socket.fd.get(), static_cast<int>(backlog < kMaxBacklog ? backlog : kMaxBacklog)));
}

Io<void> socket_connect(const Descriptor& socket, const SocketAddress& address, const Wake& wake) {
  if (socket.policy) TRY(socket.policy->check_destination(address, transport_of(socket)));
  sockaddr_storage raw;
  const socklen_t size = address.to_linux(raw);
  if (::connect(socket.fd.get(), reinterpret_cast<const sockaddr*>(&raw), size) == 0) return {};
  if (errno != EINPROGRESS && errno != EINTR) return last_errno();
  if (socket.nonblocking()) return Errno::inprogress;
  TRY(wait_for(socket.fd.get(), POLLOUT, socket.send_timeout, wake));
  int error = 0;
  socklen_t error_size = sizeof error;
  if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) return last_errno();
  if (error != 0) return from_linux(error);
  return {};
}

Io<Descriptor> socket_accept(const Descriptor& listener, Fdflags flags, const Wake& wake) {
  const auto accept = [&] { return ::accept4(listener.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); };
  UniqueFd fd(static_cast<int>(TRY(repeat(listener, POLLIN, listener.recv_timeout, wake, accept))));
  return describe(std::move(fd), SocketType::stream, flags & fdflag::nonblock);
}

Io<size_t> socket_receive(const Descriptor& socket, std::span<const iovec> buffers, uint16_t flags, const Wake& wake,
                          ReceiveDetails* details) {
  const bool wait_all = (flags & kRecvWaitall) && !(flags & kRecvPeek) && !socket.nonblocking() &&
                        socket.filetype == Filetype::socket_stream && buffers.size() == 1;
  if (wait_all) return receive_all(socket, buffers[0], wake);
  const int options = flags & kRecvPeek ? MSG_PEEK : 0;
  if (details == nullptr && buffers.size() == 1) {
    const auto receive = [&] { return ::recv(socket.fd.get(), buffers[0].iov_base, buffers[0].iov_len, options); };
    return repeat(socket, POLLIN, socket.recv_timeout, wake, receive);
  }
  sockaddr_storage from;
  msghdr message = message_of(buffers);
  const auto receive = [&] {
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    return ::recvmsg(socket.fd.get(), &message, options);
  };
  const size_t n = TRY(repeat(socket, POLLIN, socket.recv_timeout, wake, receive));
  if (details != nullptr) {
    details->truncated = message.msg_flags & MSG_TRUNC;
    if (message.msg_namelen > 0) details->from = TRY(SocketAddress::from_linux(from));
  }
  return n;
}

Io<size_t> socket_send(const Descriptor& socket, std::span<const iovec> buffers, const Wake& wake, const SocketAddress* to) {
  if (to == nullptr && buffers.size() == 1) {
    const auto send = [&] { return ::send(socket.fd.get(), buffers[0].iov_base, buffers[0].iov_len, MSG_NOSIGNAL); };
    return repeat(socket, POLLOUT, socket.send_timeout, wake, send);
  }
  sockaddr_storage address;
  msghdr message = message_of(buffers);
  if (to != nullptr) {
    if (socket.policy) TRY(socket.policy->check_destination(*to, transport_of(socket)));
    message.msg_namelen = to->to_linux(address);
    message.msg_name = &address;
  }
  const auto send = [&] { return ::sendmsg(socket.fd.get(), &message, MSG_NOSIGNAL); };
  return repeat(socket, POLLOUT, socket.send_timeout, wake, send);
}

Io<void> socket_shutdown(const Descriptor& socket, uint8_t how) {
  constexpr int kHow[] = {-1, SHUT_RD, SHUT_WR, SHUT_RDWR};
  if (how == 0 || how > 3) return Errno::inval;
  return done(::shutdown(socket.fd.get(), kHow[how]));
}

Io<SocketAddress> socket_local_address(const Descriptor& socket) {
  sockaddr_storage raw;
  socklen_t size = sizeof raw;
  if (::getsockname(socket.fd.get(), reinterpret_cast<sockaddr*>(&raw), &size) != 0) return last_errno();
  return SocketAddress::from_linux(raw);
}

Io<SocketAddress> socket_peer_address(const Descriptor& socket) {
  sockaddr_storage raw;
  socklen_t size = sizeof raw;
  if (::getpeername(socket.fd.get(), reinterpret_cast<sockaddr*>(&raw), &size) != 0) return last_errno();
  return SocketAddress::from_linux(raw);
}

}  // namespace wherry::wasi
