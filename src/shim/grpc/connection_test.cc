// SPDX-License-Identifier: Apache-2.0
#include "shim/grpc/connection.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

namespace wherry::shim::grpc {
namespace {

// What a server does with a call.
struct Reply {
  enum class End { trailers, reset, close, hang, goaway };

  std::string body{};  // as it goes over the wire, prefixes and all
  std::map<std::string, std::string> trailers = {{"grpc-status", "0"}};
  std::map<std::string, std::string> headers = {{":status", "200"}, {"content-type", "application/grpc"}};
  End end = End::trailers;
};

struct Call {
  std::map<std::string, std::string> headers;
  std::string body;
};

std::vector<nghttp2_nv> fields(const std::map<std::string, std::string>& map) {
  const auto bytes = [](const std::string& text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); };
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : map) out.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return out;
}

// Takes one connection and answers its calls in order with `replies`, from a thread.
class TestServer {
 public:
  explicit TestServer(std::vector<Reply> replies) : replies_(std::move(replies)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "grpc.XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    listener_ = *listen_unix(path());
    thread_ = std::thread([this] { run(); });
  }
  ~TestServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
    std::filesystem::remove_all(directory_);
  }
  std::string path() const { return directory_ + "/s"; }
  const Call& call(size_t number) const { return calls_.at(number); }

 private:
  struct Stream {
    TestServer* server;
    const Reply* reply;
    Call call{};
    size_t sent = 0;
  };

  void run() {
    pollfd wait{listener_.get(), POLLIN, 0};
    ::poll(&wait, 1, -1);
    socket_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket_) return;
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
    while (send_pending(session) && receive(session)) {}
    nghttp2_session_del(session);
    ::shutdown(socket_.get(), SHUT_RDWR);
  }

  bool send_pending(nghttp2_session* session) {
    const uint8_t* data = nullptr;
    ssize_t size = 0;
    while ((size = nghttp2_session_mem_send(session, &data)) > 0) {
      if (::send(socket_.get(), data, static_cast<size_t>(size), MSG_NOSIGNAL) != size) return false;
    }
    return !closing_;
  }

  bool receive(nghttp2_session* session) {
    uint8_t buffer[4096];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    return count > 0 && nghttp2_session_mem_recv(session, buffer, static_cast<size_t>(count)) == count;
  }

  static Stream* find(nghttp2_session* session, int32_t id) { return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id)); }

  static int on_begin(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    auto& server = *static_cast<TestServer*>(self);
    const size_t number = server.streams_.size();
    server.streams_.push_back(std::make_unique<Stream>(Stream{&server, &server.replies_.at(number)}));
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, server.streams_.back().get());
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name, size_t name_size, const uint8_t* value,
                       size_t value_size, uint8_t, void*) {
    Stream* const stream = find(session, frame->hd.stream_id);
    stream->call.headers[std::string(reinterpret_cast<const char*>(name), name_size)] = std::string(reinterpret_cast<const char*>(value), value_size);
    return 0;
  }

  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data, size_t size, void*) {
    find(session, id)->call.body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if (frame->hd.stream_id != 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) static_cast<TestServer*>(self)->answer(session, frame->hd.stream_id);
    return 0;
  }

  static ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* buffer, size_t size, uint32_t* flags, nghttp2_data_source* source, void*) {
    Stream& stream = *static_cast<Stream*>(source->ptr);
    const std::string& body = stream.reply->body;
    const size_t count = std::min(size, body.size() - stream.sent);
    std::memcpy(buffer, body.data() + stream.sent, count);
    stream.sent += count;
    if (stream.sent < body.size()) return static_cast<ssize_t>(count);
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const auto trailers = fields(stream.reply->trailers);
    if (stream.reply->end == Reply::End::trailers) nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
    if (stream.reply->end == Reply::End::reset) nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
    if (stream.reply->end == Reply::End::close) stream.server->closing_ = true;
    return static_cast<ssize_t>(count);
  }

  void answer(nghttp2_session* session, int32_t id) {
    Stream& stream = *find(session, id);
    calls_.push_back(stream.call);
    if (stream.reply->end == Reply::End::goaway) {
      nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
      return;
    }
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = read_body;
    const auto headers = fields(stream.reply->headers);
    nghttp2_submit_response(session, id, headers.data(), headers.size(), &provider);
  }

  const std::vector<Reply> replies_;
  std::string directory_;
  UniqueFd listener_, socket_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Call> calls_;
  bool closing_ = false;
  std::thread thread_;
};

TimePoint soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }
TimePoint at_once() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(50); }

std::unique_ptr<Connection> connect(const TestServer& server) { return *Connection::connect(server.path(), {{"containerd-namespace", "k8s.io"}}); }

TEST(Connection, carries_a_request_and_its_answer) {
  const TestServer server({{.body = encode_message("answer")}, {.body = encode_message("")}});
  const auto connection = connect(server);
  auto answer = connection->call("/service/Method", "question", soon());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "answer");
  answer = connection->call("/service/Other", "", soon());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(*answer, "");

  const Call& call = server.call(0);
  EXPECT_EQ(call.body, encode_message("question"));
  EXPECT_EQ(call.headers.at(":method"), "POST");
  EXPECT_EQ(call.headers.at(":path"), "/service/Method");
  EXPECT_EQ(call.headers.at("content-type"), "application/grpc");
  EXPECT_EQ(call.headers.at("te"), "trailers");
  EXPECT_EQ(call.headers.at("containerd-namespace"), "k8s.io");
  EXPECT_TRUE(call.headers.at("grpc-timeout").ends_with('m'));
}

TEST(Connection, gives_each_message_of_a_stream_beyond_any_window) {
  std::string body;
  for (int i = 0; i < 40; i++) body += encode_message(std::string(100'000, static_cast<char>('a' + i % 26)));
  const TestServer server({{.body = body}});
  int count = 0;
  const auto done = connect(server)->call("/s/M", "", soon(), [&](std::string message) -> Result<void> {
    EXPECT_EQ(message, std::string(100'000, static_cast<char>('a' + count++ % 26)));
    return {};
  });
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(count, 40);
}

TEST(Connection, goes_on_after_an_error_of_the_service) {
  const TestServer server({{.trailers = {{"grpc-status", "5"}, {"grpc-message", "image%20%22x%22:%0Anot found%"}}}, {.body = encode_message("x")}});
  const auto connection = connect(server);
  const auto missing = connection->call("/s/M", "", soon());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  EXPECT_EQ(missing.error().message, "image \"x\": not found%");
  EXPECT_TRUE(connection->call("/s/M", "", soon()));
}

TEST(Connection, refuses_answers_that_are_none) {
  const struct {
    const char* name;
    Reply reply;
    const char* message;
  } cases[] = {
      {"not HTTP 200", {.headers = {{":status", "404"}, {"content-type", "text/plain"}}}, "HTTP status 404 in place of a gRPC answer"},
      {"not gRPC", {.headers = {{":status", "200"}, {"content-type", "text/html"}}}, "an answer of type `text/html`, which is not gRPC's"},
      {"no status", {.body = encode_message("x"), .trailers = {{"other", "0"}}}, "an answer without a gRPC status"},
      {"a status that is no number", {.body = encode_message("x"), .trailers = {{"grpc-status", "0x"}}}, "an answer without a gRPC status"},
      {"a status of its own", {.trailers = {{"grpc-status", "77"}}}, "gRPC status 77"},
      {"no message", {}, "no message in the answer"},
      {"two messages", {.body = encode_message("x") + encode_message("y")}, "more than one message in the answer"},
      {"half a message", {.body = encode_message("message").substr(0, 8)}, "an answer that ends within a message"},
      {"a compressed message", {.body = std::string("\1\0\0\0\1x", 6)}, "a compressed message, which was not asked for"},
      {"4 GiB announced", {.body = std::string("\0\xff\xff\xff\xff", 5)}, "a message of 4294967295 bytes, the limit is 4194304"},
      {"broken off", {.body = encode_message("x"), .end = Reply::End::reset}, "the peer broke off the call: INTERNAL_ERROR"},
      {"closed", {.body = encode_message("x"), .end = Reply::End::close}, "the peer closed the connection"},
      {"turned away", {.end = Reply::End::goaway}, "the peer broke off the call: REFUSED_STREAM"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const TestServer server({c.reply});
    const auto answer = connect(server)->call("/s/M", "", soon());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message, c.message);
  }
}

TEST(Connection, ends_with_half_a_message_in_a_stream) {
  const TestServer server({{.body = encode_message("x") + encode_message("message").substr(0, 8)}});
  const auto done = connect(server)->call("/s/M", "", soon(), [](std::string) { return Result<void>(); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "an answer that ends within a message");
}

TEST(Connection, waits_no_longer_than_its_deadline_and_is_of_no_more_use_then) {
  const TestServer server({{.body = encode_message("x"), .end = Reply::End::hang}, {.body = encode_message("y")}});
  const auto connection = connect(server);
  const auto late = connection->call("/s/M", "", at_once());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(late.error().message, "no answer in time");
  EXPECT_FALSE(connection->call("/s/M", "", soon()));
}

TEST(Connection, times_out_where_nobody_speaks_http) {
  std::string pattern = (std::filesystem::temp_directory_path() / "grpc.XXXXXX").string();
  const std::string directory = mkdtemp(pattern.data());
  const auto listener = listen_unix(directory + "/s");
  const auto connection = Connection::connect(directory + "/s", {});
  ASSERT_TRUE(connection);
  const auto late = (*connection)->call("/s/M", "", at_once());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "no answer in time");
  std::filesystem::remove_all(directory);
}

TEST(Connection, is_ended_by_who_takes_its_messages) {
  std::string body;
  for (int i = 0; i < 100; i++) body += encode_message(std::string(50'000, 'x'));
  const TestServer server({{.body = body, .end = Reply::End::hang}});
  const auto done = connect(server)->call("/s/M", "", soon(), [](std::string) { return Result<void>(error(ErrorKind::exhausted, "enough")); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "enough");
}

TEST(Connection, needs_somebody_who_listens) {
  const auto connection = Connection::connect("/nonexistent/containerd.sock", {});
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().kind, ErrorKind::not_found);
}

TEST(MessageReader, takes_messages_however_they_are_cut) {
  const std::string bytes = encode_message("one") + encode_message("") + encode_message("three");
  for (size_t piece = 1; piece <= bytes.size(); piece++) {
    MessageReader reader(5);
    std::vector<std::string> got;
    for (size_t i = 0; i < bytes.size(); i += piece) {
      const auto fed = reader.feed(std::string_view(bytes).substr(i, piece), [&](std::string message) {
        got.push_back(std::move(message));
        return Result<void>();
      });
      ASSERT_TRUE(fed);
    }
    EXPECT_EQ(got, (std::vector<std::string>{"one", "", "three"})) << piece;
    EXPECT_TRUE(reader.is_between_messages());
  }
}

}  // namespace
}  // namespace wherry::shim::grpc
