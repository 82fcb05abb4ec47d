// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/socket_address.h"

#include <cstring>

namespace wherry::wasi {

Io<SocketAddress> SocketAddress::from_linux(const sockaddr_storage& address) {
  SocketAddress result;
  if (address.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    result.family = Family::inet4;
    result.port = ntohs(in.sin_port);
    std::memcpy(result.ip.data(), &in.sin_addr, 4);
    return result;
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &address, sizeof in);
    result.family = Family::inet6;
    result.port = ntohs(in.sin6_port);
    std::memcpy(result.ip.data(), &in.sin6_addr, 16);
    return result;
  }
  return Errno::afnosupport;
}

socklen_t SocketAddress::to_linux(sockaddr_storage& address) const {
  std::memset(&address, 0, sizeof address);
  if (family == Family::inet4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.data(), 4);
    std::memcpy(&address, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, ip.data(), 16);
  std::memcpy(&address, &in, sizeof in);
  return sizeof in;
}

}  // namespace wherry::wasi
