// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>

#include "wasi/host/errno.h"

namespace wherry::wasi {

// An internet address and a port.
struct SocketAddress {
  enum class Family : uint8_t { inet4, inet6 };

  Family family = Family::inet4;
  std::array<uint8_t, 16> ip{};  // 4 or 16 bytes, network order
  uint16_t port = 0;             // host order

  size_t ip_size() const { return family == Family::inet4 ? 4 : 16; }
  std::span<const uint8_t> ip_bytes() const { return {ip.data(), ip_size()}; }
  bool operator==(const SocketAddress&) const = default;

  // afnosupport for other families.
  static Io<SocketAddress> from_linux(const sockaddr_storage& address);
  socklen_t to_linux(sockaddr_storage& address) const;
};

}  // namespace wherry::wasi
