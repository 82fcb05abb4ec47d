// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>

#include "wasi/host/descriptor.h"
#include "wasi/host/errno.h"
#include "wasi/host/socket_address.h"
#include "wasi/host/wait.h"

// TCP and UDP. For the kernel every socket is non-blocking; a call on one that
// is blocking for the guest waits for it and for the interruption.
namespace wherry::wasi {

enum class SocketType : uint8_t { datagram, stream };

Io<Descriptor> socket_open(SocketAddress::Family family, SocketType type);
// Takes over a socket that somebody else made, for instance a listener.
Io<Descriptor> socket_adopt(UniqueFd fd, bool blocking);

Io<void> socket_bind(const Descriptor& socket, const SocketAddress& address);
Io<void> socket_listen(const Descriptor& socket, uint32_t backlog);
// inprogress for a non-blocking socket that is not connected at once.
Io<void> socket_connect(const Descriptor& socket, const SocketAddress& address, const Wake& wake);
// The new socket is blocking unless `flags` has nonblock.
Io<Descriptor> socket_accept(const Descriptor& listener, Fdflags flags, const Wake& wake);

enum RecvFlags : uint16_t { kRecvPeek = 1, kRecvWaitall = 2 };

// `from`, if given, gets the sender of a datagram; `truncated` is set to whether
// a datagram was longer than the buffers.
struct ReceiveDetails {
  std::optional<SocketAddress> from;
  bool truncated = false;
};
Io<size_t> socket_receive(const Descriptor& socket, std::span<const iovec> buffers, uint16_t flags, const Wake& wake,
                          ReceiveDetails* details = nullptr);
Io<size_t> socket_send(const Descriptor& socket, std::span<const iovec> buffers, const Wake& wake,
                       const SocketAddress* to = nullptr);

enum ShutdownFlags : uint8_t { kShutdownRead = 1, kShutdownWrite = 2 };
Io<void> socket_shutdown(const Descriptor& socket, uint8_t how);

Io<SocketAddress> socket_local_address(const Descriptor& socket);
Io<SocketAddress> socket_peer_address(const Descriptor& socket);

}  // namespace wherry::wasi
