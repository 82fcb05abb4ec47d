// SPDX-License-Identifier: Apache-2.0
#include "shim/streaming/streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "shim/proto/streaming.pb.h"
#include "shim/proto/ttrpc.pb.h"
#include "shim/proto/types.pb.h"
#include "shim/ttrpc/socket.h"

namespace wherry::shim {
namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    CHECK(::pipe2(fds, O_CLOEXEC) == 0, "pipe");
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
  UniqueFd read, write;
};

UniqueFd nonblocking(UniqueFd fd) {
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

std::string wrapped(const std::string& type, const std::string& value) {
  pb::Any any;
  any.set_type_url(type);
  any.set_value(value);
  return any.SerializeAsString();
}

std::string window(int32_t size) {
  pb::WindowUpdate update;
  update.set_update(size);
  return wrapped("containerd.types.transfer.WindowUpdate", update.SerializeAsString());
}

std::string data(const std::string& text) {
  pb::Data message;
  message.set_data(text);
  return wrapped("type.googleapis.com/containerd.types.transfer.Data", message.SerializeAsString());
}

class StreamsTest : public testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);  // as in the shim
    std::string pattern = (std::filesystem::temp_directory_path() / "streams.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    loop_ = *EventLoop::create();
    streams_ = Streams::create(*loop_);
    server_ = *Server::create(*loop_, *listen_unix(directory_ + "/s"), {
        .request = [this](Request request, Call call) { streams_->handle(request, std::move(call)); },
        .closed = [](uint64_t) {},
    });
    thread_ = std::thread([this] { loop_->run(); });
  }
  void TearDown() override {
    loop_->stop();
    thread_.join();
    server_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  template <class F>
  auto in_loop(F function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    loop_->post([&task] { task(); });
    return result.get();
  }

  // A client's end of one stream, on a connection of its own.
  struct Client {
    UniqueFd socket;
    FrameReader reader;
    std::string text;      // of all Data
    int64_t granted = 0;   // by all WindowUpdates
    int messages = 0;
    bool ended = false;

    void send(const std::string& message, uint8_t flags = 0) {
      const std::string frame = encode_frame(1, FrameType::data, message, flags);
      ASSERT_EQ(::send(socket.get(), frame.data(), frame.size(), MSG_NOSIGNAL), static_cast<ssize_t>(frame.size()));
    }
    void end() { send("", kRemoteClosed | kNoData); }
    template <class Condition>
    void read_until(Condition condition) {
      const FrameReader::Sink sink{
          .frame =
              [this](const FrameHeader& header, std::string frame) {
                ended = ended || header.flags & kRemoteClosed || header.type != static_cast<uint8_t>(FrameType::data);
                if (header.flags & kNoData) return;
                messages++;
                pb::Any any;
                any.ParseFromString(frame);
                pb::Data data;
                pb::WindowUpdate update;
                if (any.type_url() == "containerd.types.transfer.Data" && data.ParseFromString(any.value())) text += data.data();
                if (any.type_url() == "containerd.types.transfer.WindowUpdate" && update.ParseFromString(any.value())) granted += update.update();
              },
          .oversize = [](const FrameHeader&) {}};
      char buffer[4096];
      while (!condition()) {
        const ssize_t n = ::recv(socket.get(), buffer, sizeof buffer, 0);
        ASSERT_GT(n, 0);
        reader.feed(std::string_view(buffer, static_cast<size_t>(n)), sink);
      }
    }
  };

  Client open(const std::string& id) {
    Client client;
    client.socket = *connect_unix(directory_ + "/s");
    ::fcntl(client.socket.get(), F_SETFL, 0);
    pb::Request request;
    request.set_service(std::string(Streams::kService));
    request.set_method("Stream");
    const std::string frame = encode_frame(1, FrameType::request, request.SerializeAsString(), kRemoteOpen);
    EXPECT_EQ(::send(client.socket.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
    pb::StreamInit init;
    init.set_id(id);
    client.send(wrapped("containerd.services.streaming.v1.StreamInit", init.SerializeAsString()));
    client.read_until([&] { return client.messages >= 1 || client.ended; });
    return client;
  }

  void output(const std::string& id, UniqueFd fd) {
    auto held = std::make_shared<UniqueFd>(nonblocking(std::move(fd)));
    ASSERT_TRUE(in_loop([&] { return streams_->relay_output(id, std::move(*held)).has_value(); }));
  }
  void input(const std::string& id, UniqueFd fd) {
    auto held = std::make_shared<UniqueFd>(nonblocking(std::move(fd)));
    ASSERT_TRUE(in_loop([&] { return streams_->relay_input(id, std::move(*held)).has_value(); }));
  }

  std::string directory_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Streams> streams_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(StreamsTest, output_comes_whole_and_then_its_end_but_no_more_than_the_window) {
  Client client = open("c-stdout");
  Pipe pipe;
  output("c-stdout", std::move(pipe.read));
  ASSERT_TRUE(write_all(pipe.write.get(), "0123456789", "pipe"));
  pipe.write.reset();
  client.send(window(4));
  client.read_until([&] { return client.text.size() >= 4; });
  EXPECT_EQ(client.text, "0123");
  client.send(window(1000));
  client.read_until([&] { return client.ended; });
  EXPECT_EQ(client.text, "0123456789");
}

TEST_F(StreamsTest, a_client_may_come_after_the_container_and_again_after_a_restart) {
  Pipe pipe;
  output("c-stdout", std::move(pipe.read));
  ASSERT_TRUE(write_all(pipe.write.get(), "one", "pipe"));
  {
    Client client = open("c-stdout");
    client.send(window(100));
    client.read_until([&] { return client.text == "one"; });
  }
  Client again = open("c-stdout");
  again.send(window(100));
  ASSERT_TRUE(write_all(pipe.write.get(), "two", "pipe"));
  again.read_until([&] { return again.text == "two"; });
}

TEST_F(StreamsTest, input_goes_to_the_process_and_ends_with_the_client) {
  Client client = open("c-stdin");
  Pipe pipe;
  input("c-stdin", std::move(pipe.write));
  client.read_until([&] { return client.granted > 0; });
  client.send(data("hello "));
  client.send(data("guest"));
  client.end();
  const auto text = read_all(pipe.read.get(), 100, "pipe");
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "hello guest");
}

TEST_F(StreamsTest, input_is_granted_as_the_process_takes_it) {
  Client client = open("c-stdin");
  Pipe pipe;
  input("c-stdin", std::move(pipe.write));
  client.read_until([&] { return client.granted > 0; });
  const int64_t first = client.granted;
  const std::string chunk(32 << 10, 'x');
  size_t sent = 0;
  std::string got;
  char buffer[4096];
  while (sent < 1 << 20) {
    client.read_until([&] { return client.granted >= static_cast<int64_t>(sent + chunk.size()); });
    client.send(data(chunk));
    sent += chunk.size();
    while (got.size() < sent) {
      const ssize_t n = ::read(pipe.read.get(), buffer, sizeof buffer);
      ASSERT_GT(n, 0);
      got.append(buffer, static_cast<size_t>(n));
    }
  }
  EXPECT_EQ(got.size(), sent);
  EXPECT_GT(client.granted, first);
}

TEST_F(StreamsTest, input_that_came_before_its_client_was_lost_reaches_the_process) {
  Pipe pipe;
  constexpr int kSmall = 4096;
  ASSERT_GE(::fcntl(pipe.write.get(), F_SETPIPE_SZ, kSmall), kSmall);
  input("c-stdin", std::move(pipe.write));
  {
    Client client = open("c-stdin");
    client.read_until([&] { return client.granted > 0; });
    const int64_t first = client.granted;
    client.send(data(std::string(8 * kSmall, 'x')));
    client.read_until([&] { return client.granted > first; });  // some of it is in the pipe
  }
  std::string got;
  char buffer[kSmall];
  while (got.size() < 8 * kSmall) {
    const ssize_t n = ::read(pipe.read.get(), buffer, sizeof buffer);
    ASSERT_GT(n, 0);
    got.append(buffer, static_cast<size_t>(n));
  }
}

TEST_F(StreamsTest, a_client_that_sends_beyond_its_window_is_cut_off) {
  Client client = open("c-stdin");
  Pipe pipe;
  input("c-stdin", std::move(pipe.write));
  for (int i = 0; i < 8 && !client.ended; i++) client.send(data(std::string(32 << 10, 'x')));
  client.read_until([&] { return client.ended; });
}

TEST_F(StreamsTest, close_io_ends_the_input_of_a_client_that_stays) {
  Client client = open("c-stdin");
  Pipe pipe;
  input("c-stdin", std::move(pipe.write));
  in_loop([&] { streams_->end_input("c-stdin"); });
  EXPECT_EQ(*read_all(pipe.read.get(), 100, "pipe"), "");
}

TEST_F(StreamsTest, finish_waits_for_a_client_that_is_there_and_for_nobody_else) {
  Pipe pipe;
  output("c-stdout", std::move(pipe.read));
  ASSERT_TRUE(write_all(pipe.write.get(), "last words", "pipe"));
  pipe.write.reset();
  std::promise<void> nobody;
  in_loop([&] { streams_->finish("other", [&] { nobody.set_value(); }); });
  nobody.get_future().get();

  Client client = open("c-stdout");
  std::promise<void> all;
  auto finished = all.get_future();
  in_loop([&] { streams_->finish("c-stdout", [&] { all.set_value(); }); });
  client.send(window(100));
  client.read_until([&] { return client.ended; });
  EXPECT_EQ(client.text, "last words");
  // Sent is not read: only the client knows when it has.
  EXPECT_TRUE(in_loop([&] { return streams_->unread("c-stdout"); }));
  EXPECT_EQ(finished.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  client.end();
  finished.get();
}

TEST_F(StreamsTest, output_is_unread_until_the_client_has_it_but_nobody_waits_for_other_writers) {
  const auto unread = [&](const char* id) { return in_loop([&] { return streams_->unread(id); }); };
  EXPECT_FALSE(unread("c-stdout"));
  Pipe pipe;
  output("c-stdout", std::move(pipe.read));
  ASSERT_TRUE(write_all(pipe.write.get(), "text", "pipe"));
  EXPECT_FALSE(unread("c-stdout"));  // nobody is there to read it
  Client client = open("c-stdout");
  EXPECT_TRUE(unread("c-stdout"));
  client.send(window(100));
  client.read_until([&] { return client.text == "text"; });
  EXPECT_FALSE(unread("c-stdout"));
  pipe.write.reset();
  EXPECT_TRUE(unread("c-stdout"));
  client.read_until([&] { return client.ended; });
  client.end();
  std::promise<void> all;
  in_loop([&] { streams_->finish("c-stdout", [&] { all.set_value(); }); });
  all.get_future().get();
  EXPECT_FALSE(unread("c-stdout"));
}

TEST_F(StreamsTest, finish_does_not_wait_for_a_client_that_is_lost_before_it_has_all) {
  Pipe pipe;
  output("c-stdout", std::move(pipe.read));
  pipe.write.reset();
  std::promise<void> all;
  {
    Client client = open("c-stdout");
    client.send(window(100));
    client.read_until([&] { return client.ended; });
    in_loop([&] { streams_->finish("c-stdout", [&] { all.set_value(); }); });
  }
  all.get_future().get();
}

TEST_F(StreamsTest, a_client_that_comes_after_the_end_is_told_so) {
  Pipe pipe;
  output("c-stdout", std::move(pipe.read));
  pipe.write.reset();
  {
    Client client = open("c-stdout");
    client.send(window(100));
    client.read_until([&] { return client.ended; });
  }
  Client again = open("c-stdout");
  again.read_until([&] { return again.ended; });
}

TEST_F(StreamsTest, an_id_belongs_to_one_process) {
  Pipe one, two;
  output("id", std::move(one.read));
  auto held = std::make_shared<UniqueFd>(std::move(two.read));
  EXPECT_FALSE(in_loop([&] { return streams_->relay_output("id", std::move(*held)).has_value(); }));
}

TEST_F(StreamsTest, noise_is_no_more_than_a_closed_stream) {
  Client client = open("");
  EXPECT_TRUE(client.ended);
  Client other = open("x");
  other.send("\xff\xff");
  other.send(window(-5));
  Pipe pipe;
  output("x", std::move(pipe.read));
  other.send(window(10));
  ASSERT_TRUE(write_all(pipe.write.get(), "fine", "pipe"));
  other.read_until([&] { return other.text == "fine"; });
}

TEST(StreamsId, is_taken_from_its_uri) {
  EXPECT_EQ(Streams::id_of("ttrpc+unix:///run/s?streaming_id=abc-stdin"), "abc-stdin");
  EXPECT_EQ(Streams::id_of("/run/fifo"), "");
  EXPECT_EQ(Streams::id_of("file:///x?streaming_id=a"), "");
}

}  // namespace
}  // namespace wherry::shim
