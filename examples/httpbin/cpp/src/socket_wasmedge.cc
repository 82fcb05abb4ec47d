// SPDX-License-Identifier: Apache-2.0
#include "socket.h"

#include <cstdio>
#include <unistd.h>
#include <vector>
#include <wasi/api.h>

#define WASI_IMPORT(function) __attribute__((import_module("wasi_snapshot_preview1"), import_name(function)))

// WasmEdge's additions to preview 1, second generation. Each returns an errno.
// sock_accept, sock_recv, sock_send and sock_shutdown are preview 1's own.
extern "C" {
struct WasmEdgeAddress {
  const uint8_t* bytes;
  uint32_t length;
};
uint32_t wasmedge_sock_open(uint32_t family, uint32_t type, uint32_t* fd) WASI_IMPORT("sock_open");
uint32_t wasmedge_sock_bind(uint32_t fd, const WasmEdgeAddress* address, uint32_t port) WASI_IMPORT("sock_bind");
uint32_t wasmedge_sock_listen(uint32_t fd, uint32_t backlog) WASI_IMPORT("sock_listen");
uint32_t wasmedge_sock_setsockopt(uint32_t fd, uint32_t level, uint32_t name, const uint32_t* value, uint32_t length)
    WASI_IMPORT("sock_setsockopt");
}

namespace httpbin {

namespace {

enum Family : uint32_t { kInet4 = 1 };
enum Type : uint32_t { kStream = 2 };
enum Level : uint32_t { kSolSocket = 0 };
enum Option : uint32_t { kReuseAddress = 0 };

constexpr uint64_t kTimer = ~0ull;

Transfer transferred(uint32_t error, size_t bytes) {
  if (error == __WASI_ERRNO_AGAIN || error == __WASI_ERRNO_INTR) return {Transfer::State::would_block};
  if (error != __WASI_ERRNO_SUCCESS || bytes == 0) return {Transfer::State::closed};
  return {Transfer::State::moved, bytes};
}

std::optional<Socket> failed(const char* what, uint32_t error) {
  dprintf(2, "%s: error %u\n", what, static_cast<unsigned>(error));
  return std::nullopt;
}

void subscribe(std::vector<__wasi_subscription_t>& all, uint64_t key, int fd, uint8_t tag) {
  __wasi_subscription_t s{};
  s.userdata = key;
  s.u.tag = tag;
  s.u.u.fd_read.file_descriptor = fd;  // fd_write has the same layout
  all.push_back(s);
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

std::optional<Socket> listen_on(uint16_t port) {
  static const uint8_t kAnyAddress[4] = {};
  const WasmEdgeAddress address = {kAnyAddress, sizeof kAnyAddress};
  const uint32_t yes = 1;
  uint32_t fd = 0;
  if (uint32_t error = wasmedge_sock_open(kInet4, kStream, &fd)) return failed("sock_open", error);
  Socket socket(static_cast<int>(fd));
  wasmedge_sock_setsockopt(fd, kSolSocket, kReuseAddress, &yes, sizeof yes);
  if (uint32_t error = wasmedge_sock_bind(fd, &address, port)) return failed("sock_bind", error);
  if (uint32_t error = wasmedge_sock_listen(fd, 128)) return failed("sock_listen", error);
  if (uint32_t error = __wasi_fd_fdstat_set_flags(socket.fd(), __WASI_FDFLAGS_NONBLOCK)) {
    return failed("fd_fdstat_set_flags", error);
  }
  return socket;
}

std::optional<Socket> accept_from(const Socket& listener) {
  __wasi_fd_t fd = -1;
  if (__wasi_sock_accept(listener.fd(), __WASI_FDFLAGS_NONBLOCK, &fd) != __WASI_ERRNO_SUCCESS) return std::nullopt;
  return Socket(fd);
}

Transfer receive(const Socket& socket, std::span<char> into) {
  const __wasi_iovec_t buffer = {reinterpret_cast<uint8_t*>(into.data()), into.size()};
  __wasi_size_t bytes = 0;
  __wasi_roflags_t flags = 0;
  const uint32_t error = __wasi_sock_recv(socket.fd(), &buffer, 1, 0, &bytes, &flags);
  return transferred(error, bytes);
}

Transfer send(const Socket& socket, std::string_view bytes) {
  const __wasi_ciovec_t buffer = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  __wasi_size_t sent = 0;
  const uint32_t error = __wasi_sock_send(socket.fd(), &buffer, 1, 0, &sent);
  return transferred(error, sent);
}

void wait(std::span<Interest> interests, int timeout_ms) {
  static std::vector<__wasi_subscription_t> subscriptions;
  static std::vector<__wasi_event_t> events;
  subscriptions.clear();
  for (size_t i = 0; i < interests.size(); i++) {
    interests[i].ready = false;
    if (interests[i].read) subscribe(subscriptions, i, interests[i].fd, __WASI_EVENTTYPE_FD_READ);
    if (interests[i].write) subscribe(subscriptions, i, interests[i].fd, __WASI_EVENTTYPE_FD_WRITE);
  }
  if (timeout_ms >= 0) {
    __wasi_subscription_t timer{};
    timer.userdata = kTimer;
    timer.u.tag = __WASI_EVENTTYPE_CLOCK;
    timer.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    timer.u.u.clock.timeout = static_cast<uint64_t>(timeout_ms) * 1000000;
    subscriptions.push_back(timer);
  }

  events.resize(subscriptions.size());
  __wasi_size_t count = 0;
  if (__wasi_poll_oneoff(subscriptions.data(), events.data(), subscriptions.size(), &count) != 0) return;
  for (size_t i = 0; i < count; i++) {
    if (events[i].userdata != kTimer) interests[events[i].userdata].ready = true;
  }
}

uint64_t now_ms() {
  __wasi_timestamp_t now = 0;
  if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1000000, &now) != 0) return 0;
  return now / 1000000;
}

}  // namespace httpbin
