// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/socket_option.h"

#include <net/if.h>
#include <sys/socket.h>

#include <array>

namespace wherry::wasi {
namespace {

struct Row {
  int name;       // Linux's; -1: not a number
  bool writable;
};

constexpr std::array<Row, kSocketOptions> kRows = {{
    {SO_REUSEADDR, true},
    {SO_TYPE, false},
    {SO_ERROR, false},
    {SO_DONTROUTE, true},
    {SO_BROADCAST, true},
    {SO_SNDBUF, true},
    {SO_RCVBUF, true},
    {SO_KEEPALIVE, true},
    {SO_OOBINLINE, true},
    {-1, false},
    {SO_RCVLOWAT, true},
    {-1, false},
    {-1, false},
    {SO_ACCEPTCONN, false},
    {-1, false},
}};

const Row& row_of(SocketOption option) { return kRows[static_cast<size_t>(option)]; }

}  // namespace

Io<int32_t> socket_option(const Descriptor& socket, SocketOption option) {
  const Row& row = row_of(option);
  if (row.name < 0) return Errno::noprotoopt;
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket.fd.get(), SOL_SOCKET, row.name, &value, &size) != 0) return last_errno();
  if (option == SocketOption::error) return value == 0 ? 0 : static_cast<int32_t>(from_linux(value));
  if (option == SocketOption::type) return value == SOCK_STREAM ? 2 : 1;
  return value;
}

Io<void> set_socket_option(const Descriptor& socket, SocketOption option, int32_t value) {
  const Row& row = row_of(option);
  if (row.name < 0 || !row.writable) return Errno::noprotoopt;
  if (::setsockopt(socket.fd.get(), SOL_SOCKET, row.name, &value, sizeof value) != 0) return last_errno();
  return {};
}

Io<Linger> socket_linger(const Descriptor& socket) {
  linger raw{};
  socklen_t size = sizeof raw;
  if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &raw, &size) != 0) return last_errno();
  return Linger{raw.l_onoff != 0, raw.l_linger};
}

Io<void> set_socket_linger(const Descriptor& socket, const Linger& value) {
  const linger raw{value.on ? 1 : 0, value.seconds};
  if (::setsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &raw, sizeof raw) != 0) return last_errno();
  return {};
}

Io<std::string> socket_device(const Descriptor& socket) {
  char name[IFNAMSIZ] = {};
  socklen_t size = sizeof name;
  if (::getsockopt(socket.fd.get(), SOL_SOCKET, SO_BINDTODEVICE, name, &size) != 0) return last_errno();
  return std::string(name, size > 0 ? size - 1 : 0);
}

Io<void> set_socket_device(const Descriptor& socket, std::string_view name) {
  if (name.size() >= IFNAMSIZ) return Errno::inval;
  if (::setsockopt(socket.fd.get(), SOL_SOCKET, SO_BINDTODEVICE, name.data(), static_cast<socklen_t>(name.size())) != 0) {
    return last_errno();
  }
  return {};
}

}  // namespace wherry::wasi
