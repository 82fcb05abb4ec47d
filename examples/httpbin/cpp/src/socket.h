// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

// The sockets the server needs, non-blocking all of them. socket_wasmedge.cc has
// them over WasmEdge's functions, socket_posix.cc over a Unix system.
namespace httpbin {

// Owns a descriptor.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();

  int fd() const { return fd_; }

 private:
  int fd_;
};

struct Transfer {
  enum class State { moved, would_block, closed } state;
  size_t bytes = 0;
};

// What to wait for on a descriptor, and what of it came true.
struct Interest {
  int fd = -1;
  bool read = false;
  bool write = false;
  bool ready = false;
};

// A listener on all addresses, or nothing with the reason on standard error.
std::optional<Socket> listen_on(uint16_t port);

// The next connection, if there is one.
std::optional<Socket> accept_from(const Socket& listener);

Transfer receive(const Socket& socket, std::span<char> into);
Transfer send(const Socket& socket, std::string_view bytes);

// Returns when an interest is ready or the time is up; there is none below zero.
void wait(std::span<Interest> interests, int timeout_ms);

uint64_t now_ms();

}  // namespace httpbin
