// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "wasi/host/dns.h"
#include "wasi/wasmedge/address.h"
#include "wasi/wasmedge/wasmedge.h"

namespace wherry::wasi {

namespace form = wasmedge;

namespace {

// Of WasmEdge's flags only these change the look-up; they are bits for it and
// plain numbers for its Rust SDK, which passes none of them.
constexpr uint16_t kPassive = 1;
constexpr uint16_t kNumericHost = 4;

constexpr uint8_t kTcp = 1;
constexpr uint8_t kUdp = 2;

// What the guest passes ends with a NUL or not.
std::string to_string(std::span<const uint8_t> bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), uint8_t{0});
  return {bytes.begin(), end};
}

Io<LookupRequest> to_request(std::string node, std::string service, const layout::Addrinfo& hints) {
  LookupRequest request;
  request.node = std::move(node);
  request.service = std::move(service);
  if (hints.family > form::kInet6) return Errno::aifamily;
  if (hints.family == form::kInet4) request.family = SocketAddress::Family::inet4;
  if (hints.family == form::kInet6) request.family = SocketAddress::Family::inet6;
  request.passive = hints.flags & kPassive;
  request.numeric_only = hints.flags & kNumericHost;
  return request;
}

}  // namespace

// Fills one element of the list that the guest has made, with room for the
// address at the end of two pointers.
Outcome WasmEdge::store_addrinfo(const SocketAddress& address, const layout::Addrinfo& hints,
                                 Ptr<layout::Addrinfo> to) const {
  constexpr size_t kPort = 2;
  layout::Addrinfo info = TRY(memory_.load(to));
  layout::Sockaddr target = TRY(memory_.load(Ptr<layout::Sockaddr>{info.address}));
  const size_t size = kPort + address.ip_size();
  const std::span<uint8_t> data = TRY(memory_.slice(target.data, size));
  data[0] = static_cast<uint8_t>(address.port >> 8);
  data[1] = static_cast<uint8_t>(address.port);
  std::copy_n(address.ip.begin(), address.ip_size(), data.begin() + kPort);

  target.family = form::family_of(address);
  target.size = static_cast<uint32_t>(size);
  TRY(memory_.store(Ptr<layout::Sockaddr>{info.address}, target));
  info.flags = hints.flags;
  info.family = target.family;
  info.socktype = hints.socktype == form::kAny ? uint8_t{form::kStream} : hints.socktype;
  info.protocol = info.socktype == form::kDatagram ? kUdp : kTcp;
  info.address_size = sizeof(layout::Sockaddr);
  info.canonname_size = 0;
  TRY(memory_.store(to, info));
  return Errno::success;
}

Outcome WasmEdge::sock_getaddrinfo(Text node, Text service, Ptr<layout::Addrinfo> hints,
                                   Ptr<Ptr<layout::Addrinfo>> results, uint32_t max, Ptr<uint32_t> count) {
  const layout::Addrinfo wanted = TRY(memory_.load(hints));
  const std::span<uint8_t> node_name = TRY(memory_.slice(node));
  const std::span<uint8_t> service_name = TRY(memory_.slice(service));
  if (wanted.socktype > form::kStream) return Errno::aisocktype;
  const LookupRequest request = TRY(to_request(to_string(node_name), to_string(service_name), wanted));
  const std::vector<SocketAddress> found = TRY(lookup(request, host_.wake, &host_.policy, host_.names.get()));

  Ptr<layout::Addrinfo> element = TRY(memory_.load(results));
  uint32_t stored = 0;
  for (const SocketAddress& address : found) {
    if (stored == max) break;
    const Outcome outcome = store_addrinfo(address, wanted, element);
    if (outcome.kind() != Outcome::Kind::returned) return outcome;
    element.address = TRY(memory_.load(element)).next;
    stored++;
  }
  TRY(memory_.store(count, stored));
  return Errno::success;
}

}  // namespace wherry::wasi
