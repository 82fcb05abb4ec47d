// SPDX-License-Identifier: Apache-2.0
#include "label/tls_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace wherry::label {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> parse_address(const TlsPeer& peer) {
  Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET, peer.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(peer.port);
    address.size = sizeof v4;
  } else if (::inet_pton(AF_INET6, peer.address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(peer.port);
    address.size = sizeof v6;
  } else {
    return error(ErrorKind::invalid, "`" + peer.address + "` is not an IP address");
  }
  return address;
}

// The first reason that OpenSSL has noted, and forgets the others.
std::string reason() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  const char* const text = ::ERR_reason_error_string(code);
  return text ? text : "the connection broke";
}

Result<void> wait_for_event(int fd, short events, TlsStream::Clock::time_point deadline, const char* what) {
  pollfd waiting{fd, events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - TlsStream::Clock::now()).count();
    const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(std::min<long>(left, 1 << 30))) : 0;
    if (ready > 0) return {};
    if (ready == 0) return error(ErrorKind::unavailable, std::string(what) + ": no answer in time");
    if (errno != EINTR) return os_error(errno, what);
  }
}

}  // namespace

void TlsStream::Free::operator()(ssl_st* ssl) const { ::SSL_free(ssl); }
void TlsStream::Free::operator()(ssl_ctx_st* context) const { ::SSL_CTX_free(context); }
TlsStream::~TlsStream() = default;

Result<std::unique_ptr<TlsStream>> TlsStream::connect(const TlsPeer& peer, Clock::time_point deadline) {
  std::unique_ptr<TlsStream> stream(new TlsStream(deadline));
  TRY(stream->open_socket(peer));
  TRY(stream->open_tls(peer));
  return stream;
}

Result<void> TlsStream::open_socket(const TlsPeer& peer) {
  const Address address = TRY(parse_address(peer));
  socket_ = UniqueFd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return os_error(errno, "socket");
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return {};
  if (errno != EINPROGRESS) return os_error(errno, "connect");
  TRY(wait_for_event(socket_.get(), POLLOUT, deadline_, "connect"));
  int failure = 0;
  socklen_t size = sizeof failure;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) failure = errno;
  if (failure != 0) return os_error(failure, "connect");
  return {};
}

Result<void> TlsStream::open_tls(const TlsPeer& peer) {
  ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);  // no file of the system's has a say
  context_.reset(::SSL_CTX_new(::TLS_client_method()));
  CHECK(context_, "out of memory");
  ::SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);  // HTTP says itself where an answer ends
  ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  if (::SSL_CTX_load_verify_file(context_.get(), peer.ca_file.c_str()) != 1) return error(ErrorKind::invalid, peer.ca_file + ": " + reason());
  ssl_.reset(::SSL_new(context_.get()));
  CHECK(ssl_, "out of memory");
  if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_.get()), peer.address.c_str()) != 1 || ::SSL_set_fd(ssl_.get(), socket_.get()) != 1)
    return error(ErrorKind::io, reason());
  for (int done; (done = ::SSL_connect(ssl_.get())) != 1;) {
    const long verified = ::SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK) return error(ErrorKind::denied, std::string("the server's certificate: ") + ::X509_verify_cert_error_string(verified));
    TRY(wait_for(done, "TLS"));
  }
  return {};
}

Result<void> TlsStream::wait_for(int result, const char* what) {
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return wait_for_event(socket_.get(), POLLIN, deadline_, what);
    case SSL_ERROR_WANT_WRITE:
      return wait_for_event(socket_.get(), POLLOUT, deadline_, what);
    default:
      return error(ErrorKind::unavailable, std::string(what) + ": " + reason());
  }
}

Result<void> TlsStream::write(std::string_view bytes) {
  size_t written = 0;
  while (!bytes.empty()) {
    const int done = ::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    if (done == 1) {
      bytes.remove_prefix(written);
    } else {
      TRY(wait_for(done, "request"));
    }
  }
  return {};
}

Result<std::string> TlsStream::read_to_end(size_t limit) {
  std::string all;
  char buffer[16 << 10];
  for (;;) {
    size_t size = 0;
    const int done = ::SSL_read_ex(ssl_.get(), buffer, sizeof buffer, &size);
    if (done == 1) {
      if (size > limit - all.size()) return error(ErrorKind::exhausted, "answer: more than " + std::to_string(limit) + " bytes");
      all.append(buffer, size);
    } else if (::SSL_get_error(ssl_.get(), done) == SSL_ERROR_ZERO_RETURN) {
      return all;
    } else {
      TRY(wait_for(done, "answer"));
    }
  }
}

}  // namespace wherry::label
