// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "wasi/host/socket.h"
#include "wasi/wasmedge/address.h"
#include "wasi/wasmedge/wasmedge.h"

namespace wherry::wasi {

namespace form = wasmedge;

namespace {

constexpr uint32_t kRecvFlags = kRecvPeek | kRecvWaitall;

bool succeeded(const Outcome& outcome) {
  return outcome.kind() == Outcome::Kind::returned && outcome.errno_value() == Errno::success;
}

// A 128-byte buffer gets the second generation's form, a shorter one the bare address.
Io<void> put_address(const SocketAddress& address, std::span<uint8_t> bytes) {
  const size_t start = bytes.size() >= form::kLongAddress ? 2 : 0;
  if (bytes.size() < start + address.ip_size()) return Errno::inval;
  if (start != 0) {
    bytes[0] = form::family_of(address);
    bytes[1] = 0;
  }
  std::copy_n(address.ip.begin(), address.ip_size(), bytes.begin() + static_cast<ptrdiff_t>(start));
  return {};
}

// What the functions of 2021 return in place of an errno: the size, which a
// datagram's 64 KiB fit into.
Outcome size_result(size_t size) { return static_cast<Errno>(size); }

}  // namespace

// A stream names no sender: its peer is taken.
Outcome WasmEdge::receive_from(uint32_t fd, Array<Iovec> iovs, Ptr<Iovec> address, uint32_t flags,
                               Ptr<uint32_t> received, Ptr<uint32_t> out_flags, SocketAddress& from) {
  if (flags & ~kRecvFlags) return Errno::inval;
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  const Iovec at = TRY(memory_.load(address));
  const std::span<uint8_t> bytes = TRY(memory_.slice(at.buf, at.len));
  Descriptor* socket = TRY(host_.files.socket(fd));
  ReceiveDetails details;
  const size_t size = TRY(socket_receive(*socket, buffers.span(), static_cast<uint16_t>(flags), host_.wake, &details));
  from = details.from ? *details.from : TRY(socket_peer_address(*socket));
  TRY(put_address(from, bytes));
  TRY(memory_.store(out_flags, static_cast<uint32_t>(details.truncated)));
  TRY(memory_.store(received, static_cast<uint32_t>(size)));
  return Errno::success;
}

Outcome WasmEdge::sock_recv_from_v1(uint32_t fd, Array<Iovec> iovs, Ptr<Iovec> address, uint32_t flags,
                                    Ptr<uint32_t> received, Ptr<uint32_t> out_flags) {
  SocketAddress from;
  return receive_from(fd, iovs, address, flags, received, out_flags, from);
}

Outcome WasmEdge::sock_recv_from_v2(uint32_t fd, Array<Iovec> iovs, Ptr<Iovec> address, uint32_t flags,
                                    Ptr<uint32_t> port, Ptr<uint32_t> received, Ptr<uint32_t> out_flags) {
  TRY(memory_.elements(port, 1));
  SocketAddress from;
  const Outcome outcome = receive_from(fd, iovs, address, flags, received, out_flags, from);
  if (succeeded(outcome)) TRY(memory_.store(port, uint32_t{from.port}));
  return outcome;
}

// The address is written as text with a final NUL.
Outcome WasmEdge::sock_recv_from_old(uint32_t fd, Text buf, Ptr<uint8_t> address, Ptr<uint32_t> address_size,
                                     uint32_t) {
  const std::span<uint8_t> bytes = TRY(memory_.slice(buf));
  Descriptor* socket = TRY(host_.files.socket(fd));
  const iovec buffer{bytes.data(), bytes.size()};
  ReceiveDetails details;
  const size_t size = TRY(socket_receive(*socket, {&buffer, 1}, 0, host_.wake, &details));
  const std::string text = form::to_text(details.from ? *details.from : TRY(socket_peer_address(*socket)));
  const std::span<uint8_t> out = TRY(memory_.slice(address.address, text.size() + 1));
  std::memcpy(out.data(), text.c_str(), text.size() + 1);
  TRY(memory_.store(address_size, static_cast<uint32_t>(text.size())));
  return size_result(size);
}

Outcome WasmEdge::sock_send_to(uint32_t fd, Array<Iovec> iovs, Ptr<Iovec> address, uint32_t port, uint32_t flags,
                               Ptr<uint32_t> sent) {
  if (flags != 0) return Errno::inval;
  Buffers buffers;
  TRY(memory_.gather(iovs, buffers));
  const Iovec at = TRY(memory_.load(address));
  const SocketAddress to = TRY(form::parse_address(TRY(memory_.slice(at.buf, at.len)), port));
  Descriptor* socket = TRY(host_.files.socket(fd));
  TRY(memory_.store(sent, static_cast<uint32_t>(TRY(socket_send(*socket, buffers.span(), host_.wake, &to)))));
  return Errno::success;
}

Outcome WasmEdge::sock_send_to_old(uint32_t fd, Text buf, Text address, uint32_t) {
  const std::span<uint8_t> bytes = TRY(memory_.slice(buf));
  const std::span<uint8_t> text = TRY(memory_.slice(address));
  const SocketAddress to = TRY(form::parse_text_address({reinterpret_cast<const char*>(text.data()), text.size()}));
  Descriptor* socket = TRY(host_.files.socket(fd));
  const iovec buffer{bytes.data(), bytes.size()};
  return size_result(TRY(socket_send(*socket, {&buffer, 1}, host_.wake, &to)));
}

}  // namespace wherry::wasi
