// SPDX-License-Identifier: Apache-2.0
#include "cli/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace wherry::cli {
namespace {

constexpr int kBacklog = 128;  // wasmtime's

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

bool to_socket_address(const ListenAddress& address, SocketAddress& out) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(address.port);
  if (::inet_pton(AF_INET, address.host == "localhost" ? "127.0.0.1" : address.host.c_str(), &v4.sin_addr) == 1) {
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
    return true;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) != 1) return false;
  std::memcpy(&out.storage, &v6, sizeof v6);
  out.size = sizeof v6;
  return true;
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Error wrong =
      error(ErrorKind::invalid, "`" + std::string(text) + "` is not an address, such as 127.0.0.1:8080");
  ListenAddress address;
  std::string_view rest = text;
  if (const size_t comma = rest.find(','); comma != rest.npos) {
    if (rest.substr(comma) != ",blocking") return wrong;
    address.blocking = true;
    rest = rest.substr(0, comma);
  }
  const size_t colon = rest.rfind(':');
  if (colon == rest.npos) return wrong;
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (status != std::errc() || end != port.data() + port.size()) return wrong;
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address.host = host.empty() ? "0.0.0.0" : host;
  SocketAddress unused;
  if (!to_socket_address(address, unused)) return wrong;
  return address;
}

Result<UniqueFd> listen_on(const ListenAddress& address) {
  SocketAddress to;
  to_socket_address(address, to);
  const std::string what = "cannot listen on " + address.host + ":" + std::to_string(address.port);
  UniqueFd socket(
      ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | (address.blocking ? 0 : SOCK_NONBLOCK), 0));
  if (!socket) return os_error(errno, what);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0) return os_error(errno, what);
  if (::listen(socket.get(), kBacklog) != 0) return os_error(errno, what);
  return socket;
}

}  // namespace wherry::cli
