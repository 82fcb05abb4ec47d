// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wasi/host/socket.h"
#include "wasi/host/socket_address.h"

// WasmEdge's numbers and its forms of an address.
namespace wherry::wasi::wasmedge {

enum Family : uint8_t { kUnspec = 0, kInet4 = 1, kInet6 = 2 };
enum Type : uint8_t { kAny = 0, kDatagram = 1, kStream = 2 };

inline constexpr size_t kLongAddress = 128;  // u16 family, then the address

uint8_t family_of(const SocketAddress& address);

struct SocketKind {
  SocketAddress::Family family;
  SocketType type;
};
// Family 0 means the numbering of 2021: Inet4 0, Datagram 0, Stream 1.
Io<SocketKind> socket_kind(uint32_t family, uint32_t type);

// 4, 16 or 128 bytes; inval for others.
Io<SocketAddress> parse_address(std::span<const uint8_t> bytes, uint32_t port);

// "127.0.0.1:80" and "[::1]:80": how the SDK of 2021 passes addresses of datagrams.
Io<SocketAddress> parse_text_address(std::string_view text);
std::string to_text(const SocketAddress& address);

}  // namespace wherry::wasi::wasmedge
