// SPDX-License-Identifier: Apache-2.0
// An HTTP server like httpbin: GET /get, POST /echo, GET /healthz. PORT [default: 3000].
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "connection.h"
#include "socket.h"

namespace httpbin {

namespace {

constexpr size_t kMaxConnections = 512;
constexpr uint64_t kIdleMs = 60'000;
constexpr int kTickMs = 1'000, kForever = -1;

using Connections = std::vector<std::unique_ptr<Connection>>;

void accept_all(const Socket& listener, Connections& connections, uint64_t now) {
  while (connections.size() < kMaxConnections) {
    auto socket = accept_from(listener);
    if (!socket) return;
    connections.push_back(std::make_unique<Connection>(std::move(*socket)));
    if (!connections.back()->advance(now)) connections.pop_back();
  }
}

void drop_idle(Connections& connections, uint64_t now) {
  std::erase_if(connections, [&](const auto& c) { return now - c->last_active_ms() > kIdleMs; });
}

// Interests are the connections' in order, then the listener's.
void collect(const Socket& listener, const Connections& connections, std::vector<Interest>& interests) {
  interests.clear();
  for (const auto& c : connections) interests.push_back({c->fd(), c->wants_read(), c->wants_write()});
  if (connections.size() < kMaxConnections) interests.push_back({listener.fd(), true});
}

[[noreturn]] void serve(const Socket& listener) {
  Connections connections;
  std::vector<Interest> interests;
  while (true) {
    collect(listener, connections, interests);
    wait(interests, connections.empty() ? kForever : kTickMs);  // idle, it sleeps
    const uint64_t now = now_ms();
    const bool arrived = interests.size() > connections.size() && interests.back().ready;
    for (size_t i = 0; i < connections.size(); i++) {
      if (interests[i].ready && !connections[i]->advance(now)) connections[i].reset();
    }
    std::erase(connections, nullptr);
    if (arrived) accept_all(listener, connections, now);
    drop_idle(connections, now);
  }
}

uint16_t port() {
  const char* text = getenv("PORT");
  if (!text) return 3000;
  uint16_t value = 0;
  const char* const end = text + strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  return error == std::errc() && stop == end ? value : 0;
}

}  // namespace

}  // namespace httpbin

int main() {
  const uint16_t port = httpbin::port();
  if (port == 0) {
    fputs("PORT is not a port number\n", stderr);
    return 2;
  }
  const auto listener = httpbin::listen_on(port);
  if (!listener) return 1;
  printf("listening on port %u\n", static_cast<unsigned>(port));
  fflush(stdout);
  httpbin::serve(*listener);
}
