// SPDX-License-Identifier: Apache-2.0
#include "shim/grpc/connection.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shim/grpc/status.h"

namespace wherry::shim::grpc {
namespace {

constexpr int32_t kWindow = 1 << 20;
constexpr uint32_t kMaxHeaderList = 16 << 10;
// Streams that the peer opens, and its pings and settings beyond what a server needs, end in nghttp2.
constexpr nghttp2_settings_entry kSettings[] = {
    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow},
    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHeaderList},
};

Error http2_error(int code) { return error(ErrorKind::malformed, std::string("HTTP/2: ") + nghttp2_strerror(code)); }

Result<void> check(int code) {
  if (code != 0) return http2_error(code);
  return {};
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};  // nghttp2 copies
}

// The time that is left, as gRPC tells the server: at most 8 digits.
std::string timeout_text(TimePoint deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return std::to_string(std::clamp<int64_t>(left, 1, 99'999'999)) + "m";
}

std::string_view view(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

}  // namespace

// One call under way.
struct Connection::Exchange {
  MessageReader reader{kMaxMessage};
  const Take& take;
  std::string unsent;
  size_t sent = 0;
  int32_t stream = 0;
  AnswerHeaders headers{};
  bool closed = false;
  uint32_t reset = NGHTTP2_NO_ERROR;
  Result<void> failure{};  // while reading
};

// nghttp2's, with the connection as user data.
struct Connection::Callbacks {
  static Exchange* find(void* connection, int32_t stream) {
    Exchange* const exchange = static_cast<Connection*>(connection)->exchange_;
    return exchange && exchange->stream == stream ? exchange : nullptr;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size, const uint8_t* value, size_t value_size,
                       uint8_t, void* connection) {
    if (Exchange* exchange = find(connection, frame->hd.stream_id)) exchange->headers.add(view(name, name_size), view(value, value_size));
    return 0;
  }

  static int on_data(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size, void* connection) {
    Exchange* exchange = find(connection, stream);
    if (exchange && exchange->failure) exchange->failure = exchange->reader.feed(view(data, size), exchange->take);
    return 0;
  }

  static int on_close(nghttp2_session*, int32_t stream, uint32_t code, void* connection) {
    if (Exchange* exchange = find(connection, stream)) {
      exchange->closed = true;
      exchange->reset = code;
    }
    return 0;
  }

  static ssize_t read_request(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags, nghttp2_data_source* source, void*) {
    Exchange& exchange = *static_cast<Exchange*>(source->ptr);
    const size_t count = std::min(size, exchange.unsent.size() - exchange.sent);
    std::memcpy(buffer, exchange.unsent.data() + exchange.sent, count);
    exchange.sent += count;
    if (exchange.sent == exchange.unsent.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }
};

Result<std::unique_ptr<Connection>> Connection::connect(const std::string& path, Metadata metadata) {
  UniqueFd socket = TRY(connect_unix(path));
  std::unique_ptr<Connection> connection(new Connection(std::move(socket), std::move(metadata)));
  TRY(connection->open_session());
  return connection;
}

Connection::~Connection() { nghttp2_session_del(session_); }

Result<void> Connection::open_session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  TRY(check(nghttp2_session_callbacks_new(&callbacks)));
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  const int code = nghttp2_session_client_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  TRY(check(code));
  TRY(check(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, kSettings, std::size(kSettings))));
  return check(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow));
}

Result<void> Connection::submit(std::string_view method, TimePoint deadline, Exchange& exchange) {
  const std::string timeout = timeout_text(deadline);
  std::vector<nghttp2_nv> headers = {header(":method", "POST"), header(":scheme", "http"), header(":path", method), header(":authority", "localhost"),
                                     header("content-type", "application/grpc"), header("te", "trailers"), header("grpc-timeout", timeout)};
  for (const auto& [name, value] : metadata_) headers.push_back(header(name, value));
  nghttp2_data_provider provider{};
  provider.source.ptr = &exchange;
  provider.read_callback = Callbacks::read_request;
  exchange.stream = nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &provider, nullptr);
  return exchange.stream < 0 ? Result<void>(http2_error(exchange.stream)) : Result<void>();
}

Result<void> Connection::send_pending(TimePoint deadline) {
  for (;;) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) return http2_error(static_cast<int>(size));
    if (size == 0) return {};
    TRY(send_all(socket_.get(), view(data, static_cast<size_t>(size)), deadline));
  }
}

Result<void> Connection::receive(TimePoint deadline) {
  uint8_t buffer[16 << 10];
  TRY(wait_for(socket_.get(), POLLIN, deadline));
  const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (count == 0 || (count < 0 && errno == ECONNRESET)) return peer_closed();
  if (count < 0) return os_error(errno, "receive");
  const ssize_t taken = nghttp2_session_mem_recv(session_, buffer, static_cast<size_t>(count));
  if (taken < 0) return http2_error(static_cast<int>(taken));
  return {};
}

Result<void> Connection::run(TimePoint deadline, Exchange& exchange) {
  while (!exchange.closed) {
    TRY(send_pending(deadline));
    if (exchange.closed) break;
    if (!nghttp2_session_want_read(session_)) return error(ErrorKind::unavailable, "the peer ends the connection");
    TRY(receive(deadline));
    TRY(exchange.failure);
  }
  if (exchange.reset != NGHTTP2_NO_ERROR && !exchange.headers.has_status()) {
    return error(ErrorKind::unavailable, std::string("the peer broke off the call: ") + nghttp2_http2_strerror(exchange.reset));
  }
  if (exchange.headers.has_status()) return {};
  return exchange.headers.result();
}

Result<void> Connection::call(std::string_view method, std::string_view request, TimePoint deadline, const Take& take) {
  if (broken_) return error(ErrorKind::unavailable, "the connection has failed before");
  Exchange exchange{.take = take, .unsent = encode_message(request)};
  exchange_ = &exchange;
  Result<void> done = submit(method, deadline, exchange);
  if (done) done = run(deadline, exchange);
  exchange_ = nullptr;
  broken_ = !done;
  TRY(done);
  TRY(exchange.headers.result());
  if (!exchange.reader.is_between_messages()) return error(ErrorKind::malformed, "an answer that ends within a message");
  return {};
}

Result<std::string> Connection::call(std::string_view method, std::string_view request, TimePoint deadline) {
  std::string answer;
  int count = 0;
  TRY(call(method, request, deadline, [&](std::string message) -> Result<void> {
    answer = std::move(message);
    return ++count == 1 ? Result<void>() : Result<void>(error(ErrorKind::malformed, "more than one message in the answer"));
  }));
  if (count != 1) return error(ErrorKind::malformed, "no message in the answer");
  return answer;
}

}  // namespace wherry::shim::grpc
