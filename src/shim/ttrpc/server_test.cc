// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <filesystem>
#include <future>
#include <map>
#include <thread>

#include "shim/proto/ttrpc.pb.h"
#include "shim/ttrpc/client.h"
#include "shim/ttrpc/socket.h"
#include "shim/ttrpc/worker_pool.h"

namespace wherry::shim {
namespace {

// A server whose "Hold" answers when "Release" comes, beside an "Echo".
class Fixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "ttrpc.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/s";
    loop_ = *EventLoop::create();
    auto listener = listen_unix(path_);
    ASSERT_TRUE(listener);
    server_ = *Server::create(*loop_, std::move(*listener), {
        .request = [this](Request request, Call call) { handle(std::move(request), std::move(call)); },
        .closed =
            [this](uint64_t id) {
              std::erase_if(held_, [&](Call& call) {
                if (call.connection_id() != id) return false;
                call.drop();
                return true;
              });
              if (!std::exchange(seen_closing_, true)) closed_.set_value(held_.size());
            },
    });
    thread_ = std::thread([this] { loop_->run(); });
  }

  void TearDown() override {
    loop_->stop();
    thread_.join();
    held_.clear();
    server_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  void handle(Request request, Call call) {
    if (request.method == "Echo") return call.answer(request.payload);
    if (request.method == "Hold") return held_.push_back(std::move(call));
    if (request.method == "Forget") return;
    if (request.method == "Repeat" && request.opens_stream) {
      const auto stream = std::make_shared<std::weak_ptr<Stream>>();
      *stream = call.open({.message = [stream](std::string message) { stream->lock()->send(message + message); },
                           .ended = [stream] { stream->lock()->end(); },
                           .lost = [this] { lost_.set_value(); }});
      return;
    }
    if (request.method == "Release") {
      for (Call& held : held_) held.answer("released");
      held_.clear();
      return call.answer({});
    }
    call.refuse(Status::unimplemented, "no " + request.method);
  }

  // A socket that sends what it is told and collects answers by stream.
  struct Raw {
    UniqueFd socket;
    FrameReader reader;
    std::map<uint32_t, Answer> answers;

    bool send(std::string_view bytes) {
      while (!bytes.empty()) {
        const ssize_t n = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(n));
      }
      return true;
    }
    bool send_call(uint32_t stream, const std::string& method, const std::string& payload = {}) {
      pb::Request request;
      request.set_service("S");
      request.set_method(method);
      request.set_payload(payload);
      return send(encode_frame(stream, FrameType::request, request.SerializeAsString()));
    }
    // Reads until there is an answer on the stream; false when the server hangs up.
    bool wait(uint32_t stream) {
      const FrameReader::Sink sink{
          .frame =
              [this](const FrameHeader& header, std::string data) {
                pb::Response response;
                response.ParseFromString(data);
                answers[header.stream] = {static_cast<Status>(response.status().code()), response.status().message(), response.payload()};
              },
          .oversize = [](const FrameHeader&) { ADD_FAILURE() << "oversize answer"; },
      };
      char buffer[4096];
      while (!answers.contains(stream)) {
        const ssize_t n = ::recv(socket.get(), buffer, sizeof buffer, 0);
        if (n <= 0) return false;
        reader.feed(std::string_view(buffer, static_cast<size_t>(n)), sink);
      }
      return true;
    }
  };

  Raw connect() {
    Raw raw;
    raw.socket = *connect_unix(path_);
    ::fcntl(raw.socket.get(), F_SETFL, 0);
    return raw;
  }

  std::string directory_, path_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Server> server_;
  std::vector<Call> held_;
  std::promise<void> lost_;
  std::promise<size_t> closed_;  // how many calls were held when the first connection was gone
  bool seen_closing_ = false;
  std::thread thread_;
};
using TtrpcServer = Fixture;

TEST_F(TtrpcServer, answers_a_call) {
  const auto client = Client::connect(path_);
  ASSERT_TRUE(client);
  for (int i = 0; i < 3; i++) {
    const auto answer = (*client)->call("S", "Echo", "hello", std::chrono::seconds(10));
    ASSERT_TRUE(answer) << answer.error().to_string();
    EXPECT_EQ(answer->status, Status::ok);
    EXPECT_EQ(answer->payload, "hello");
  }
}

TEST_F(TtrpcServer, carries_large_messages_both_ways) {
  const auto client = Client::connect(path_);
  const std::string large((4u << 20) - 100, 'x');
  const auto answer = (*client)->call("S", "Echo", large, std::chrono::seconds(20));
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(answer->payload, large);
}

TEST_F(TtrpcServer, answers_out_of_order_while_a_thousand_calls_wait) {
  Raw raw = connect();
  uint32_t stream = 1;
  for (int i = 0; i < 1000; i++, stream += 2) ASSERT_TRUE(raw.send_call(stream, "Hold"));
  ASSERT_TRUE(raw.send_call(stream, "Echo", "still here"));
  ASSERT_TRUE(raw.wait(stream));
  EXPECT_EQ(raw.answers.size(), 1u);
  EXPECT_EQ(raw.answers[stream].payload, "still here");
  ASSERT_TRUE(raw.send_call(stream + 2, "Release"));
  ASSERT_TRUE(raw.wait(stream + 2));
  EXPECT_EQ(raw.answers.size(), 1002u);
  EXPECT_EQ(raw.answers[1].payload, "released");
  EXPECT_EQ(raw.answers[1999].payload, "released");
}

TEST_F(TtrpcServer, lives_on_after_bad_frames) {
  Raw raw = connect();
  ASSERT_TRUE(raw.send(encode_frame(1, FrameType::request, "\xff\xff")));
  ASSERT_TRUE(raw.wait(1));
  EXPECT_EQ(raw.answers[1].status, Status::invalid_argument);
  std::string oversize("\x00\x40\x00\x01\x00\x00\x00\x03\x01\x00", 10);
  ASSERT_TRUE(raw.send(oversize + std::string((4u << 20) + 1, 'x')));
  ASSERT_TRUE(raw.wait(3));
  EXPECT_EQ(raw.answers[3].status, Status::resource_exhausted);
  ASSERT_TRUE(raw.send_call(5, "Nothing"));
  ASSERT_TRUE(raw.wait(5));
  EXPECT_EQ(raw.answers[5].status, Status::unimplemented);
  EXPECT_EQ(raw.answers[5].message, "no Nothing");
  ASSERT_TRUE(raw.send_call(6, "Echo"));
  ASSERT_TRUE(raw.wait(6));
  EXPECT_EQ(raw.answers[6].status, Status::invalid_argument);
}

TEST_F(TtrpcServer, refuses_a_call_that_its_handler_forgot) {
  const auto answer = (*Client::connect(path_))->call("S", "Forget", "", std::chrono::seconds(10));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, Status::internal);
}

TEST_F(TtrpcServer, forgets_the_waiting_calls_of_a_closed_connection) {
  {
    Raw leaving = connect();
    ASSERT_TRUE(leaving.send_call(1, "Hold"));
    ASSERT_TRUE(leaving.send_call(3, "Echo"));
    ASSERT_TRUE(leaving.wait(3));
  }
  EXPECT_EQ(closed_.get_future().get(), 0u);
  const auto answer = (*Client::connect(path_))->call("S", "Echo", "x", std::chrono::seconds(10));
  EXPECT_TRUE(answer);
}

std::string streaming_request(uint32_t stream) {
  pb::Request request;
  request.set_service("S");
  request.set_method("Repeat");
  return encode_frame(stream, FrameType::request, request.SerializeAsString(), kRemoteOpen);
}

TEST_F(TtrpcServer, carries_streams_until_the_client_ends_them) {
  Raw raw = connect();
  ASSERT_TRUE(raw.send(streaming_request(1) + streaming_request(3)));
  ASSERT_TRUE(raw.send(encode_frame(1, FrameType::data, "ab") + encode_frame(3, FrameType::data, "") +
                       encode_frame(1, FrameType::data, "", kRemoteClosed | kNoData) + encode_frame(1, FrameType::data, "late")));
  std::vector<std::string> seen;
  const FrameReader::Sink sink{
      .frame =
          [&](const FrameHeader& header, std::string data) {
            const bool response = header.type == static_cast<uint8_t>(FrameType::response);
            seen.push_back(std::to_string(header.stream) + (response ? " refused" : " " + data + (header.flags & kRemoteClosed ? "." : "")));
          },
      .oversize = [](const FrameHeader&) {}};
  FrameReader reader;
  char buffer[4096];
  while (seen.size() < 4) {
    const ssize_t n = ::recv(raw.socket.get(), buffer, sizeof buffer, 0);
    ASSERT_GT(n, 0);
    reader.feed(std::string_view(buffer, static_cast<size_t>(n)), sink);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"1 abab", "3 ", "1 .", "1 refused"}));
  raw.socket.reset();
  lost_.get_future().get();  // stream 3
}

TEST_F(TtrpcServer, cuts_off_a_peer_that_never_reads) {
  Raw raw = connect();
  const std::string large(1u << 20, 'x');
  bool sent = true;
  for (uint32_t stream = 1; sent && stream < 200; stream += 2) sent = raw.send_call(stream, "Echo", large);
  EXPECT_FALSE(sent);
}

TEST(WorkerPool, runs_everything_on_few_threads) {
  std::atomic<int> running = 0, most = 0, done = 0;
  std::promise<void> all;
  {
    const auto pool = WorkerPool::create(3);
    for (int i = 0; i < 100; i++) {
      pool->submit([&] {
        const int now = ++running;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --running;
        if (++done == 100) all.set_value();
      });
    }
    all.get_future().wait();
  }
  EXPECT_LE(most, 3);
}

TEST(EventLoop, runs_timers_in_their_order_and_drops_cancelled_ones) {
  const auto loop = *EventLoop::create();
  std::string order;
  loop->after(std::chrono::milliseconds(20), [&] {
    order += 'b';
    loop->stop();
  });
  loop->after(std::chrono::milliseconds(1), [&] { order += 'a'; });
  loop->cancel(loop->after(std::chrono::milliseconds(2), [&] { order += 'x'; }));
  loop->run();
  EXPECT_EQ(order, "ab");
}

}  // namespace
}  // namespace wherry::shim
