// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/socket.h"

#include <algorithm>

#include "wasi/wasmedge/address.h"
#include "wasi/wasmedge/wasmedge.h"

namespace wherry::wasi {

namespace form = wasmedge;

Outcome WasmEdge::sock_open(uint32_t family, uint32_t type, Ptr<uint32_t> opened) {
  const form::SocketKind kind = TRY(form::socket_kind(family, type));
  if (!host_.files.has_room()) return Errno::mfile;
  TRY(memory_.elements(opened, 1));
  const uint32_t number = TRY(host_.files.add(TRY(socket_open(kind.family, kind.type))));
  TRY(memory_.store(opened, number));
  return Errno::success;
}

NoResult WasmEdge::sock_close(uint32_t fd) {
  if (host_.files.socket(fd)) (void)host_.files.close(fd);
  return Errno::success;
}

Outcome WasmEdge::sock_bind(uint32_t fd, Ptr<Iovec> address, uint32_t port) {
  const Iovec at = TRY(memory_.load(address));
  const SocketAddress parsed = TRY(form::parse_address(TRY(memory_.slice(at.buf, at.len)), port));
  TRY(socket_bind(*TRY(host_.files.socket(fd)), parsed));
  return Errno::success;
}

Outcome WasmEdge::sock_listen(uint32_t fd, uint32_t backlog) {
  TRY(socket_listen(*TRY(host_.files.socket(fd)), backlog));
  return Errno::success;
}

Outcome WasmEdge::sock_accept(uint32_t fd, Ptr<uint32_t> accepted) {
  Descriptor* listener = TRY(host_.files.socket(fd));
  if (!host_.files.has_room()) return Errno::mfile;
  TRY(memory_.elements(accepted, 1));
  const uint32_t number = TRY(host_.files.add(TRY(socket_accept(*listener, 0, host_.wake))));
  TRY(memory_.store(accepted, number));
  return Errno::success;
}

Outcome WasmEdge::sock_connect(uint32_t fd, Ptr<Iovec> address, uint32_t port) {
  const Iovec at = TRY(memory_.load(address));
  const SocketAddress parsed = TRY(form::parse_address(TRY(memory_.slice(at.buf, at.len)), port));
  TRY(socket_connect(*TRY(host_.files.socket(fd)), parsed, host_.wake));
  return Errno::success;
}

// The first generation has the bare address, as many bytes as the buffer takes.
Outcome WasmEdge::store_address_v1(const SocketAddress& address, Ptr<Iovec> to, Ptr<uint32_t> type,
                                   Ptr<uint32_t> port) const {
  const Iovec at = TRY(memory_.load(to));
  const std::span<uint8_t> bytes = TRY(memory_.slice(at.buf, at.len));
  if (bytes.size() < address.ip_size()) return Errno::inval;
  std::copy_n(address.ip.begin(), address.ip_size(), bytes.begin());
  TRY(memory_.store(type, address.family == SocketAddress::Family::inet4 ? 4u : 6u));
  TRY(memory_.store(port, uint32_t{address.port}));
  return Errno::success;
}

Outcome WasmEdge::store_address_v2(const SocketAddress& address, Ptr<Iovec> to, Ptr<uint32_t> port) const {
  const Iovec at = TRY(memory_.load(to));
  const std::span<uint8_t> bytes = TRY(memory_.slice(at.buf, at.len));
  if (bytes.size() < form::kLongAddress) return Errno::inval;
  bytes[0] = form::family_of(address);
  bytes[1] = 0;
  std::copy_n(address.ip.begin(), address.ip_size(), bytes.begin() + 2);
  TRY(memory_.store(port, uint32_t{address.port}));
  return Errno::success;
}

Outcome WasmEdge::sock_getlocaladdr_v1(uint32_t fd, Ptr<Iovec> address, Ptr<uint32_t> type, Ptr<uint32_t> port) {
  return store_address_v1(TRY(socket_local_address(*TRY(host_.files.socket(fd)))), address, type, port);
}

Outcome WasmEdge::sock_getlocaladdr_v2(uint32_t fd, Ptr<Iovec> address, Ptr<uint32_t> port) {
  return store_address_v2(TRY(socket_local_address(*TRY(host_.files.socket(fd)))), address, port);
}

Outcome WasmEdge::sock_getpeeraddr_v1(uint32_t fd, Ptr<Iovec> address, Ptr<uint32_t> type, Ptr<uint32_t> port) {
  return store_address_v1(TRY(socket_peer_address(*TRY(host_.files.socket(fd)))), address, type, port);
}

Outcome WasmEdge::sock_getpeeraddr_v2(uint32_t fd, Ptr<Iovec> address, Ptr<uint32_t> port) {
  return store_address_v2(TRY(socket_peer_address(*TRY(host_.files.socket(fd)))), address, port);
}

}  // namespace wherry::wasi
