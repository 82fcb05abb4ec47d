// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "shim/ttrpc/connection.h"

namespace wherry::shim {
namespace {

constexpr size_t kMaxConnections = 1024;
// Of one connection; the answers to come bound memory, not threads.
constexpr uint32_t kMaxOutstanding = 16384;
constexpr size_t kReadSize = 16 << 10;

bool same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == ::geteuid() && peer.gid == ::getegid();
}

}  // namespace

Call::Call(std::shared_ptr<Connection> connection, uint32_t stream) : connection_(std::move(connection)), stream_(stream) {
  connection_->outstanding++;
}

Call::~Call() {
  if (connection_) refuse(Status::internal, "the shim gave no answer");
}

void Call::answer(std::string payload) {
  CHECK(connection_, "a call is answered once");
  connection_->outstanding--;
  connection_->send(encode_answer(stream_, std::move(payload)));
  connection_ = nullptr;
}

void Call::refuse(Status status, std::string_view message) {
  CHECK(connection_, "a call is answered once");
  connection_->outstanding--;
  connection_->send(encode_refusal(stream_, status, message));
  connection_ = nullptr;
}

std::shared_ptr<Stream> Call::open(Stream::Handlers handlers) {
  CHECK(connection_, "a call is answered once");
  auto stream = std::make_shared<Stream>(connection_, stream_, std::move(handlers));
  connection_->outstanding--;
  connection_->streams.emplace(stream_, stream);
  connection_ = nullptr;
  return stream;
}

Stream::Stream(std::shared_ptr<Connection> connection, uint32_t id, Handlers handlers)
    : connection_(std::move(connection)), id_(id), handlers_(std::move(handlers)) {}

void Stream::send(std::string_view message) { connection_->send(encode_frame(id_, FrameType::data, message)); }

void Stream::close_send() {
  if (std::exchange(sends_, false)) connection_->send(encode_frame(id_, FrameType::data, "", kRemoteClosed | kNoData));
}

void Stream::end() {
  close_send();
  connection_->streams.erase(id_);
}

uint64_t Call::connection_id() const { return connection_ ? connection_->id_ : 0; }

Result<std::unique_ptr<Server>> Server::create(EventLoop& loop, UniqueFd listener, Handlers handlers) {
  std::unique_ptr<Server> server(new Server(loop, std::move(listener), std::move(handlers)));
  TRY(loop.watch(server->listener_.get(), EPOLLIN, [raw = server.get()](uint32_t) { raw->accept_all(); }));
  return server;
}

Server::Server(EventLoop& loop, UniqueFd listener, Handlers handlers)
    : loop_(loop), listener_(std::move(listener)), handlers_(std::move(handlers)) {}

Server::~Server() {
  loop_.forget(listener_.get());
  for (auto& [id, connection] : connections_) {
    loop_.forget(connection->fd());
    connection->close();
    connection->streams.clear();
  }
}

void Server::accept_all() {
  for (;;) {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket && errno == EINTR) continue;
    if (!socket) return;
    if (connections_.size() >= kMaxConnections || !same_user(socket.get())) continue;
    adopt(std::move(socket));
  }
}

void Server::adopt(UniqueFd socket) {
  const uint64_t id = next_id_++;
  auto connection = std::make_shared<Connection>(loop_, std::move(socket), id);
  Connection* raw = connection.get();  // its session lives no longer than it does
  connection->session = std::make_unique<Session>(Session::Sink{
      .request =
          [this, raw](Request request) {
            Call call(raw->shared_from_this(), request.stream);
            if (raw->outstanding + raw->streams.size() > kMaxOutstanding) return call.refuse(Status::resource_exhausted, "too many requests at once");
            handlers_.request(std::move(request), std::move(call));
          },
      .data =
          [raw](uint32_t id, std::optional<std::string> message, bool last) {
            const auto found = raw->streams.find(id);
            if (found == raw->streams.end()) return false;
            const std::shared_ptr<Stream> stream = found->second;
            if (message) stream->handlers_.message(std::move(*message));
            if (last && raw->streams.contains(id)) stream->handlers_.ended();
            return true;
          },
      .refuse = [raw](uint32_t stream, Status status, std::string message) { raw->send(encode_refusal(stream, status, message)); },
  });
  const auto watched = loop_.watch(connection->fd(), EPOLLIN, [this, id](uint32_t events) {
    if (events & EPOLLOUT) connections_.at(id)->writable();
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(id);
  });
  if (watched) connections_.emplace(id, std::move(connection));
}

void Server::readable(uint64_t id) {
  const std::shared_ptr<Connection> connection = connections_.at(id);
  char buffer[kReadSize];
  const ssize_t n = ::recv(connection->fd(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) return close(id);
  connection->session->feed(std::string_view(buffer, static_cast<size_t>(n)));
}

void Server::close(uint64_t id) {
  const auto found = connections_.find(id);
  const std::shared_ptr<Connection> connection = found->second;
  connections_.erase(found);
  loop_.forget(connection->fd());
  connection->close();
  for (const auto& [number, stream] : std::exchange(connection->streams, {})) stream->handlers_.lost();
  handlers_.closed(id);
}

}  // namespace wherry::shim
