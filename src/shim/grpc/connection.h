// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "shim/grpc/message_reader.h"
#include "shim/ttrpc/socket.h"

struct nghttp2_session;

namespace wherry::shim::grpc {

// Sent with every call: ("containerd-namespace", "k8s.io"). Names in lower case.
using Metadata = std::vector<std::pair<std::string, std::string>>;

// A message longer than this is refused; containerd's pieces of a blob have 1 MiB.
inline constexpr size_t kMaxMessage = 4 << 20;

// A gRPC client on a Unix socket that makes one call at a time: one request, and an
// answer of one message or several. HTTP/2 is nghttp2's. It is not the peer's to
// make it wait or use memory: each call has a deadline, and no more than one message
// and a window of 1 MiB is held. To be used by one thread.
//
// An error is the peer's status ("no such image: not found") or says what went wrong
// between here and there; after one of the latter the connection is of no more use
// and every further call fails.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> connect(const std::string& path, Metadata metadata);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // `method`: "/containerd.services.images.v1.Images/Get". The messages given to
  // `take` are the answer only if the call succeeds.
  Result<void> call(std::string_view method, std::string_view request, TimePoint deadline, const Take& take);

  // The same where the answer is exactly one message.
  Result<std::string> call(std::string_view method, std::string_view request, TimePoint deadline);

 private:
  Connection(UniqueFd socket, Metadata metadata) : socket_(std::move(socket)), metadata_(std::move(metadata)) {}
  Result<void> open_session();
  struct Exchange;
  struct Callbacks;
  Result<void> submit(std::string_view method, TimePoint deadline, Exchange& exchange);
  Result<void> run(TimePoint deadline, Exchange& exchange);
  Result<void> send_pending(TimePoint deadline);
  Result<void> receive(TimePoint deadline);

  const UniqueFd socket_;
  const Metadata metadata_;
  nghttp2_session* session_ = nullptr;
  Exchange* exchange_ = nullptr;  // the call under way
  bool broken_ = false;
};

}  // namespace wherry::shim::grpc
