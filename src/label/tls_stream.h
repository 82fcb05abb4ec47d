// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

struct ssl_st;
struct ssl_ctx_st;

namespace wherry::label {

struct TlsPeer {
  std::string address;  // IPv4 or IPv6: it is also what the server's certificate has to name
  uint16_t port = 443;
  std::string ca_file;  // PEM: only what it signed is trusted, not what the system does
};

// A connection over TLS 1.2 or later to a server that has shown who it is. Everything ends at `deadline`.
class TlsStream {
 public:
  using Clock = std::chrono::steady_clock;
  static Result<std::unique_ptr<TlsStream>> connect(const TlsPeer& peer, Clock::time_point deadline);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result<void> write(std::string_view bytes);
  // All until the other end closes; more than `limit` bytes are an error.
  Result<std::string> read_to_end(size_t limit);

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
    void operator()(ssl_ctx_st* context) const;
  };
  explicit TlsStream(Clock::time_point deadline) : deadline_(deadline) {}

  Result<void> open_socket(const TlsPeer& peer);
  Result<void> open_tls(const TlsPeer& peer);
  // After a call of OpenSSL's that returned `result`: waits if it is to be called again, or says what went wrong.
  Result<void> wait_for(int result, const char* what);

  const Clock::time_point deadline_;
  UniqueFd socket_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_st, Free> ssl_;
};

}  // namespace wherry::label
