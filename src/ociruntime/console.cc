// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/console.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "shim/ttrpc/socket.h"

namespace wherry::ociruntime {
namespace {

Result<void> set_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) return os_error(errno, "terminal");
  return {};
}

}  // namespace

Result<void> check_console(bool terminal, bool detach, const std::string& socket) {
  if (!socket.empty() && !terminal) return error(ErrorKind::invalid, "--console-socket: the process has no terminal (process.terminal)");
  if (!socket.empty() && !detach) return error(ErrorKind::invalid, "--console-socket: the terminal of a process in the foreground is this one");
  if (socket.empty() && terminal && detach) return error(ErrorKind::invalid, "cannot allocate a terminal for a detached process without --console-socket");
  return {};
}

Result<void> send_console(const std::string& path, UniqueFd master) {
  TRY(set_blocking(master.get()));
  const UniqueFd socket = TRY(shim::connect_unix(path));
  char name[] = "/dev/ptmx";  // something has to come with a descriptor
  iovec data{name, sizeof name - 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = master.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0) return os_error(errno, path);
  return {};
}

}  // namespace wherry::ociruntime
