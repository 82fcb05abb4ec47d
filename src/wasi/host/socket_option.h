// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"

namespace wherry::wasi {

// In the order of WasmEdge's numbers.
enum class SocketOption : uint8_t {
  reuseaddr,
  type,
  error,
  dontroute,
  broadcast,
  sndbuf,
  rcvbuf,
  keepalive,
  oobinline,
  linger,
  rcvlowat,
  rcvtimeo,
  sndtimeo,
  acceptconn,
  bindtodevice,
};
inline constexpr uint32_t kSocketOptions = 15;

// The options whose value is a number: booleans, sizes, the type (1 datagram, 2
// stream), the pending error as an Errno. noprotoopt for the others.
Io<int32_t> socket_option(const Descriptor& socket, SocketOption option);
Io<void> set_socket_option(const Descriptor& socket, SocketOption option, int32_t value);

struct Linger {
  bool on;
  int32_t seconds;
};
Io<Linger> socket_linger(const Descriptor& socket);
Io<void> set_socket_linger(const Descriptor& socket, const Linger& linger);

Io<std::string> socket_device(const Descriptor& socket);
Io<void> set_socket_device(const Descriptor& socket, std::string_view name);

}  // namespace wherry::wasi
