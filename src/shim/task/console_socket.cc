// SPDX-License-Identifier: Apache-2.0
#include "shim/task/console_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "shim/ttrpc/socket.h"

namespace wherry::shim {
namespace {

// The first descriptor of a message; others are closed.
UniqueFd first_descriptor(msghdr& message) {
  UniqueFd first;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      UniqueFd owned(fd);
      if (!first) first = std::move(owned);
    }
  }
  return first;
}

}  // namespace

Result<std::unique_ptr<ConsoleSocket>> ConsoleSocket::create(const std::string& directory, const std::string& name) {
  UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return os_error(errno, directory);
  std::string path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd.get()) + "/" + name;
  std::unique_ptr<ConsoleSocket> socket(new ConsoleSocket(std::move(fd), std::move(path)));
  socket->listener_ = TRY(listen_unix(socket->path_));
  return socket;
}

ConsoleSocket::~ConsoleSocket() { ::unlink(path_.c_str()); }

Result<UniqueFd> ConsoleSocket::take() const {
  const UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer) return error(ErrorKind::unavailable, "runc made no terminal");
  char text[4096];
  iovec data{text, sizeof text};
  alignas(cmsghdr) char space[CMSG_SPACE(4 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  if (::recvmsg(peer.get(), &message, MSG_CMSG_CLOEXEC) < 0) return os_error(errno, "runc's terminal");
  UniqueFd master = first_descriptor(message);
  if (!master) return error(ErrorKind::unavailable, "runc sent no terminal");
  const int flags = ::fcntl(master.get(), F_GETFL);
  if (flags < 0 || ::fcntl(master.get(), F_SETFL, flags | O_NONBLOCK) != 0) return os_error(errno, "runc's terminal");
  return master;
}

}  // namespace wherry::shim
