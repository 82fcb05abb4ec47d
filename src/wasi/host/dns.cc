// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/dns.h"

#include <arpa/inet.h>
#include <ares.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

#include "wasi/host/clock.h"

namespace wherry::wasi {
namespace {

constexpr int kQueryTimeoutMs = 2000;
constexpr int kTries = 2;
constexpr uint64_t kTotalTime = 15'000'000'000;
constexpr size_t kMaxName = 255;

using Family = SocketAddress::Family;

struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<SocketAddress> addresses;
};

bool wanted(const LookupRequest& request, Family family) { return !request.family || *request.family == family; }

std::optional<SocketAddress> numeric_address(const std::string& text) {
  SocketAddress address;
  if (::inet_pton(AF_INET, text.c_str(), address.ip.data()) == 1) {
    address.family = Family::inet4;
    return address;
  }
  if (::inet_pton(AF_INET6, text.c_str(), address.ip.data()) == 1) {
    address.family = Family::inet6;
    return address;
  }
  return std::nullopt;
}

std::vector<SocketAddress> local_addresses(const LookupRequest& request) {
  std::vector<SocketAddress> result;
  SocketAddress inet4, inet6;
  inet6.family = Family::inet6;
  if (!request.passive) {
    inet4.ip = {127, 0, 0, 1};
    inet6.ip[15] = 1;
  }
  if (wanted(request, Family::inet4)) result.push_back(inet4);
  if (wanted(request, Family::inet6)) result.push_back(inet6);
  return result;
}

Io<uint16_t> port_of(const std::string& service) {
  struct Service {
    std::string_view name;
    uint16_t port;
  };
  constexpr Service kServices[] = {{"ftp", 21}, {"ssh", 22},   {"smtp", 25},  {"domain", 53},
                                   {"http", 80}, {"ntp", 123}, {"https", 443}, {"http-alt", 8080}};
  if (service.empty()) return uint16_t{0};
  uint16_t port = 0;
  const char* const end = service.data() + service.size();
  const auto [stop, problem] = std::from_chars(service.data(), end, port);
  if (problem == std::errc() && stop == end) return port;
  for (const Service& known : kServices) {
    if (known.name == service) return known.port;
  }
  return Errno::aiservice;
}

void take_answer(void* data, int status, int, ares_addrinfo* info) {
  Answer& answer = *static_cast<Answer*>(data);
  answer.done = true;
  answer.status = status;
  if (info == nullptr) return;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    sockaddr_storage raw{};
    const auto* bytes = reinterpret_cast<const char*>(node->ai_addr);
    std::copy_n(bytes, std::min<size_t>(node->ai_addrlen, sizeof raw), reinterpret_cast<char*>(&raw));
    if (const Io<SocketAddress> address = SocketAddress::from_linux(raw)) answer.addresses.push_back(*address);
  }
  ares_freeaddrinfo(info);
}

Errno errno_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
      return Errno::ainoname;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
      return Errno::aiagain;
    case ARES_ENOMEM:
      return Errno::aimemory;
    default:
      return Errno::aifail;
  }
}

struct DestroyChannel {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, DestroyChannel>;

// The channel's sockets, as c-ares tells us about them.
using Sockets = std::vector<pollfd>;

void note_socket(void* data, ares_socket_t socket, int readable, int writable) {
  Sockets& sockets = *static_cast<Sockets*>(data);
  std::erase_if(sockets, [&](const pollfd& known) { return known.fd == socket; });
  const int events = (readable ? POLLIN : 0) | (writable ? POLLOUT : 0);
  if (events != 0) sockets.push_back({socket, static_cast<short>(events), 0});
}

Io<Channel> open_channel(Sockets& sockets) {
  ares_options options{};
  options.timeout = kQueryTimeoutMs;
  options.tries = kTries;
  options.sock_state_cb = note_socket;
  options.sock_state_cb_data = &sockets;
  ares_channel channel = nullptr;
  const int wanted = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  const int status = ares_init_options(&channel, &options, wanted);
  if (status != ARES_SUCCESS) return errno_of(status);
  return Channel(channel);
}

// One round of waiting for the servers' answers.
Io<void> step(ares_channeldata* channel, Sockets fds, uint64_t left, const Wake& wake) {
  const size_t count = fds.size();
  fds.push_back({wake.fd, POLLIN, 0});
  timeval most{static_cast<time_t>(left / 1'000'000'000), static_cast<suseconds_t>(left % 1'000'000'000 / 1000)};
  timeval next;
  const timeval* const limit = ares_timeout(channel, &most, &next);
  const timespec timeout{limit->tv_sec, limit->tv_usec * 1000};
  const int n = ::ppoll(fds.data(), fds.size(), &timeout, nullptr);
  if (n < 0 && errno != EINTR) return last_errno();
  if (wake.interrupted() || (n > 0 && fds[count].revents != 0)) return Errno::intr;
  if (n <= 0) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  for (size_t i = 0; n > 0 && i < count; i++) {
    const bool failed = fds[i].revents & (POLLERR | POLLHUP);
    const bool readable = (fds[i].revents & POLLIN) || failed;
    const bool writable = fds[i].revents & POLLOUT;
    ares_process_fd(channel, readable ? fds[i].fd : ARES_SOCKET_BAD, writable ? fds[i].fd : ARES_SOCKET_BAD);
  }
  return {};
}

Io<std::vector<SocketAddress>> ask(const LookupRequest& request, const Wake& wake) {
  Answer answer;
  Sockets sockets;
  // After both: closing the channel ends open queries with a last call of take_answer.
  const Channel channel = TRY(open_channel(sockets));
  ares_addrinfo_hints hints{};
  hints.ai_family = !request.family ? AF_UNSPEC : *request.family == Family::inet4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel.get(), request.node.c_str(), nullptr, &hints, take_answer, &answer);
  const uint64_t start = monotonic_now();
  while (!answer.done) {
    const uint64_t passed = monotonic_now() - start;
    if (passed >= kTotalTime) return Errno::aiagain;
    TRY(step(channel.get(), sockets, kTotalTime - passed, wake));
  }
  if (answer.status != ARES_SUCCESS) return errno_of(answer.status);
  return std::move(answer.addresses);
}

}  // namespace

Io<std::vector<SocketAddress>> lookup(const LookupRequest& request, const Wake& wake) {
  if (request.node.size() > kMaxName) return Errno::ainoname;
  const uint16_t port = TRY(port_of(request.service));
  std::vector<SocketAddress> found;
  if (request.node.empty()) {
    found = local_addresses(request);
  } else if (const auto numeric = numeric_address(request.node)) {
    if (!wanted(request, numeric->family)) return Errno::aiaddrfamily;
    found = {*numeric};
  } else if (request.numeric_only) {
    return Errno::ainoname;
  } else {
    found = TRY(ask(request, wake));
  }
  for (SocketAddress& address : found) address.port = port;
  return found;
}

}  // namespace wherry::wasi
