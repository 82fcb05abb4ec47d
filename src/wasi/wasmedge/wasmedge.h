// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "wasi/guest/glue.h"
#include "wasi/guest/memory.h"
#include "wasi/guest/outcome.h"
#include "wasi/host/host.h"
#include "wasi/host/socket_address.h"
#include "wasi/wasmedge/layout.h"

namespace wherry::wasi {

// WasmEdge's socket functions of both generations, and of the SDK of 2021, over
// the host core. One object a call.
class WasmEdge {
 public:
  WasmEdge(Host& host, GuestMemory memory) : host_(host), memory_(memory) {}

#define WASMEDGE(name, method, parameters) Outcome method parameters;
#include "wasi/wasmedge/wasmedge.def"
#undef WASMEDGE
  NoResult sock_close(uint32_t fd);

 private:
  Outcome store_address_v1(const SocketAddress& address, Ptr<Iovec> to, Ptr<uint32_t> type, Ptr<uint32_t> port) const;
  Outcome store_address_v2(const SocketAddress& address, Ptr<Iovec> to, Ptr<uint32_t> port) const;
  Outcome receive_from(uint32_t fd, Array<Iovec> iovs, Ptr<Iovec> address, uint32_t flags, Ptr<uint32_t> received,
                       Ptr<uint32_t> out_flags, SocketAddress& from);
  Outcome store_addrinfo(const SocketAddress& address, const layout::Addrinfo& hints, Ptr<layout::Addrinfo> to) const;

  Host& host_;
  const GuestMemory memory_;
};

// By name, some with several types.
std::span<const Import> wasmedge_imports();

}  // namespace wherry::wasi
