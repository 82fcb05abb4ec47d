// SPDX-License-Identifier: Apache-2.0
#include "net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/numbers.h"

#define SOCKET(function) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#function)))

extern "C" {
struct WasmEdgeAddress {
  const uint8_t* bytes;
  uint32_t size;
};
struct WasmEdgeSockaddr {
  uint32_t family, size;
  uint8_t* data;  // the port, then the address
};
struct WasmEdgeAddrinfo {
  uint16_t flags;
  uint8_t family, type;
  uint32_t protocol, address_size;
  WasmEdgeSockaddr* address;
  char* name;
  uint32_t name_size;
  WasmEdgeAddrinfo* next;
};
uint32_t wasmedge_sock_open(uint32_t family, uint32_t type, int* fd) SOCKET(sock_open);
uint32_t wasmedge_sock_bind(int fd, const WasmEdgeAddress* address, uint32_t port) SOCKET(sock_bind);
uint32_t wasmedge_sock_listen(int fd, uint32_t backlog) SOCKET(sock_listen);
uint32_t wasmedge_sock_connect(int fd, const WasmEdgeAddress* address, uint32_t port) SOCKET(sock_connect);
uint32_t wasmedge_sock_setsockopt(int fd, uint32_t level, uint32_t name, const void* value, uint32_t size) SOCKET(sock_setsockopt);
uint32_t wasmedge_sock_getsockopt(int fd, uint32_t level, uint32_t name, void* value, uint32_t* size) SOCKET(sock_getsockopt);
uint32_t wasmedge_sock_getaddrinfo(const char* node, uint32_t node_size, const char* service, uint32_t service_size, const WasmEdgeAddrinfo* hints,
                                   WasmEdgeAddrinfo** result, uint32_t most, uint32_t* count) SOCKET(sock_getaddrinfo);
}

namespace toolbox {
namespace {

enum : uint32_t { kAny = 0, kInet4 = 1, kInet6 = 2, kStream = 2, kSocketLevel = 0, kReuseAddress = 0, kError = 2 };
constexpr uint32_t kMostAddresses = 16;

bool succeeded(uint32_t code) {
  if (code != 0) errno = static_cast<int>(code);
  return code == 0;
}

std::optional<Address> parse_address(const std::string& text) {
  Address address;
  if (::inet_pton(AF_INET, text.c_str(), address.bytes) == 1) return address;
  address.size = 16;
  if (::inet_pton(AF_INET6, text.c_str(), address.bytes) == 1) return address;
  return std::nullopt;
}

// The codes of failed look-ups are none of preview 1's.
int lookup_error(uint32_t code) { return code < 77 ? static_cast<int>(code) : ENOENT; }

bool connect_within(int fd, const Address& address, int64_t timeout) {
  const WasmEdgeAddress raw{address.bytes, static_cast<uint32_t>(address.size)};
  if (timeout == 0) return succeeded(wasmedge_sock_connect(fd, &raw, address.port));
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return false;
  const uint32_t code = wasmedge_sock_connect(fd, &raw, address.port);
  if (code != 0 && code != EINPROGRESS && code != EAGAIN) return succeeded(code);
  if (!wait_for(fd, Direction::write, timeout)) return errno = ETIMEDOUT, false;
  int problem = 0;
  uint32_t size = sizeof problem;
  if (!succeeded(wasmedge_sock_getsockopt(fd, kSocketLevel, kError, &problem, &size))) return false;
  if (problem != 0) return errno = problem, false;
  return ::fcntl(fd, F_SETFL, flags) == 0;
}

}  // namespace

std::string to_string(const Address& address) {
  char text[64];
  const bool four = address.size == 4;
  if (!::inet_ntop(four ? AF_INET : AF_INET6, address.bytes, text, sizeof text)) return "?";
  return text;
}

std::optional<uint16_t> parse_port(const std::string& text) {
  const auto number = parse_number(text);
  if (!number || *number < 1 || *number > 65535) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

std::vector<Address> resolve(const std::string& host, uint16_t port) {
  if (auto address = parse_address(host)) {
    address->port = port;
    return {*address};
  }
  WasmEdgeAddrinfo items[kMostAddresses] = {};
  WasmEdgeSockaddr addresses[kMostAddresses] = {};
  uint8_t data[kMostAddresses][32];
  for (uint32_t i = 0; i < kMostAddresses; i++) {
    addresses[i].data = data[i];
    addresses[i].size = sizeof data[i];
    items[i].address = &addresses[i];
    items[i].next = i + 1 < kMostAddresses ? &items[i + 1] : nullptr;
  }
  WasmEdgeAddrinfo hints{};
  hints.type = kStream;
  WasmEdgeAddrinfo* first = items;
  uint32_t count = 0;
  const std::string service = format_number(port);
  const uint32_t code = wasmedge_sock_getaddrinfo(host.data(), static_cast<uint32_t>(host.size()), service.data(), static_cast<uint32_t>(service.size()), &hints, &first,
                                                  kMostAddresses, &count);
  if (code != 0 || count == 0) return errno = code == 0 ? ENOENT : lookup_error(code), std::vector<Address>();
  std::vector<Address> found;
  for (uint32_t i = 0; i < std::min(count, kMostAddresses); i++) {
    Address address;
    address.size = items[i].family == kInet6 ? 16 : 4;
    address.port = port;
    std::memcpy(address.bytes, data[i] + 2, address.size);
    found.push_back(address);
  }
  return found;
}

int connect_to(const std::vector<Address>& addresses, int64_t timeout) {
  for (const Address& address : addresses) {
    int fd = -1;
    if (!succeeded(wasmedge_sock_open(address.size == 4 ? kInet4 : kInet6, kStream, &fd))) continue;
    if (connect_within(fd, address, timeout)) return fd;
    const int code = errno;
    ::close(fd);
    errno = code;
  }
  return -1;
}

int listen_on(uint16_t port) {
  const uint8_t any[16] = {};
  const uint32_t yes = 1;
  int fd = -1;
  for (const bool six : {true, false}) {  // a socket of IPv6 takes both, where there is any
    if (!succeeded(wasmedge_sock_open(six ? kInet6 : kInet4, kStream, &fd))) continue;
    wasmedge_sock_setsockopt(fd, kSocketLevel, kReuseAddress, &yes, sizeof yes);
    const WasmEdgeAddress address{any, six ? 16u : 4u};
    if (succeeded(wasmedge_sock_bind(fd, &address, port)) && succeeded(wasmedge_sock_listen(fd, 16))) return fd;
    const int code = errno;
    ::close(fd);
    errno = code;
  }
  return -1;
}

bool wait_for(int fd, Direction direction, int64_t timeout) {
  pollfd event{fd, static_cast<short>(direction == Direction::read ? POLLIN : POLLOUT), 0};
  const int milliseconds = timeout == 0 ? -1 : static_cast<int>(std::min<int64_t>((timeout + 999'999) / 1'000'000, INT32_MAX));
  return ::poll(&event, 1, milliseconds) > 0;
}

void end_sending(int fd) { ::shutdown(fd, SHUT_WR); }

}  // namespace toolbox
