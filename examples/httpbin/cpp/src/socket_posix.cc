// SPDX-License-Identifier: Apache-2.0
#include "socket.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace httpbin {

namespace {

Transfer transferred(ssize_t n) {
  if (n > 0) return {Transfer::State::moved, static_cast<size_t>(n)};
  const bool later = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return {later ? Transfer::State::would_block : Transfer::State::closed};
}

std::optional<Socket> failed(const char* what) {
  perror(what);
  return std::nullopt;
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

std::optional<Socket> listen_on(uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return failed("socket");
  const int yes = 1;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  if (bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed("bind");
  if (listen(socket.fd(), 128) != 0) return failed("listen");
  return socket;
}

std::optional<Socket> accept_from(const Socket& listener) {
  const int fd = accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return std::nullopt;
  return Socket(fd);
}

Transfer receive(const Socket& socket, std::span<char> into) {
  return transferred(recv(socket.fd(), into.data(), into.size(), 0));
}

Transfer send(const Socket& socket, std::string_view bytes) {
  return transferred(::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

void wait(std::span<Interest> interests, int timeout_ms) {
  static std::vector<pollfd> polled;
  polled.clear();
  for (const Interest& i : interests) {
    polled.push_back({i.fd, static_cast<short>((i.read ? POLLIN : 0) | (i.write ? POLLOUT : 0)), 0});
  }
  poll(polled.data(), polled.size(), timeout_ms);
  for (size_t i = 0; i < interests.size(); i++) interests[i].ready = polled[i].revents != 0;
}

uint64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

}  // namespace httpbin
