// SPDX-License-Identifier: Apache-2.0
#include "wasi/wasmedge/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace wherry::wasi::wasmedge {
namespace {

SocketAddress make_address(SocketAddress::Family family, std::span<const uint8_t> ip, uint32_t port) {
  SocketAddress address;
  address.family = family;
  address.port = static_cast<uint16_t>(port);
  std::copy_n(ip.begin(), address.ip_size(), address.ip.begin());
  return address;
}

}  // namespace

uint8_t family_of(const SocketAddress& address) {
  return address.family == SocketAddress::Family::inet4 ? kInet4 : kInet6;
}

Io<SocketKind> socket_kind(uint32_t family, uint32_t type) {
  using AddressFamily = SocketAddress::Family;
  if (family == kUnspec) {
    if (type > 1) return Errno::prototype;
    return SocketKind{AddressFamily::inet4, type == 0 ? SocketType::datagram : SocketType::stream};
  }
  if (family != kInet4 && family != kInet6) return Errno::afnosupport;
  if (type > kStream) return Errno::prototype;
  return SocketKind{family == kInet4 ? AddressFamily::inet4 : AddressFamily::inet6,
                    type == kDatagram ? SocketType::datagram : SocketType::stream};
}

Io<SocketAddress> parse_address(std::span<const uint8_t> bytes, uint32_t port) {
  if (port > 0xffff) return Errno::inval;
  if (bytes.size() == 4) return make_address(SocketAddress::Family::inet4, bytes, port);
  if (bytes.size() == 16) return make_address(SocketAddress::Family::inet6, bytes, port);
  if (bytes.size() != kLongAddress) return Errno::inval;
  uint16_t family;
  std::memcpy(&family, bytes.data(), sizeof family);
  if (family == kInet4) return make_address(SocketAddress::Family::inet4, bytes.subspan(2), port);
  if (family == kInet6) return make_address(SocketAddress::Family::inet6, bytes.subspan(2), port);
  return Errno::afnosupport;
}

Io<SocketAddress> parse_text_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Errno::inval;
  SocketAddress address;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (problem != std::errc() || stop != end) return Errno::inval;
  std::string ip(text.substr(0, colon));
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') {
    ip = ip.substr(1, ip.size() - 2);
    address.family = SocketAddress::Family::inet6;
  }
  const int family = address.family == SocketAddress::Family::inet4 ? AF_INET : AF_INET6;
  if (::inet_pton(family, ip.c_str(), address.ip.data()) != 1) return Errno::inval;
  return address;
}

std::string to_text(const SocketAddress& address) {
  const bool inet4 = address.family == SocketAddress::Family::inet4;
  char ip[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(inet4 ? AF_INET : AF_INET6, address.ip.data(), ip, sizeof ip);
  return (inet4 ? std::string(ip) : "[" + std::string(ip) + "]") + ":" + std::to_string(address.port);
}

}  // namespace wherry::wasi::wasmedge
