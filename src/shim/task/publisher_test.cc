// SPDX-License-Identifier: Apache-2.0
#include "shim/task/publisher.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "shim/ttrpc/server.h"
#include "shim/ttrpc/socket.h"

namespace wherry::shim {
namespace {

// containerd's events service, which can go away and come back.
class FakeContainerd {
 public:
  explicit FakeContainerd(std::string path) : path_(std::move(path)) {}
  ~FakeContainerd() { stop(); }

  void start() {
    loop_ = *EventLoop::create();
    auto listener = listen_unix(path_);
    server_ = *Server::create(*loop_, std::move(*listener), {
        .request = [this](Request request, Call call) { handle(request, std::move(call)); },
        .closed = [](uint64_t) {},
    });
    thread_ = std::thread([this] { loop_->run(); });
  }

  void stop() {
    if (!loop_) return;
    loop_->stop();
    thread_.join();
    server_ = nullptr;
    loop_ = nullptr;
    std::filesystem::remove(path_);
  }

  std::vector<pb::Envelope> events;  // read after stop() or flush()
  std::string refuse_topic;

 private:
  void handle(const Request& request, Call call) {
    pb::ForwardRequest forward;
    if (request.service != "containerd.services.events.ttrpc.v1.Events" || request.method != "Forward" ||
        !forward.ParseFromString(request.payload)) {
      return call.refuse(Status::unimplemented, "not an event");
    }
    if (forward.envelope().topic() == refuse_topic) return call.refuse(Status::invalid_argument, "not wanted");
    events.push_back(forward.envelope());
    call.answer({});
  }

  const std::string path_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

class PublisherTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "events.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    containerd_ = std::make_unique<FakeContainerd>(directory_ + "/ttrpc");
    publisher_ = Publisher::create(directory_ + "/ttrpc", "ns", log_);
  }
  void TearDown() override {
    publisher_ = nullptr;
    containerd_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

  void publish_start(uint32_t pid) {
    pb::TaskStart event;
    event.set_container_id("c");
    event.set_pid(pid);
    publisher_->publish(event);
  }

  std::vector<uint32_t> pids() {
    std::vector<uint32_t> pids;
    for (const pb::Envelope& envelope : containerd_->events) {
      pb::TaskStart event;
      event.ParseFromString(envelope.event().value());
      pids.push_back(event.pid());
    }
    return pids;
  }

  const Log log_{UniqueFd(), Level::info, "ns", "pod"};
  std::string directory_;
  std::unique_ptr<FakeContainerd> containerd_;
  std::unique_ptr<Publisher> publisher_;
};

constexpr std::chrono::seconds kLong{30};

TEST_F(PublisherTest, sends_envelopes_that_containerd_takes) {
  containerd_->start();
  pb::TaskExit event;
  event.set_container_id("c");
  event.set_id("c");
  event.set_exit_status(137);
  publisher_->publish(event);
  ASSERT_TRUE(publisher_->flush(kLong));
  ASSERT_EQ(containerd_->events.size(), 1u);
  const pb::Envelope& envelope = containerd_->events[0];
  EXPECT_EQ(envelope.topic(), "/tasks/exit");
  EXPECT_EQ(envelope.namespace_(), "ns");
  EXPECT_GT(envelope.timestamp().seconds(), 0);
  EXPECT_EQ(envelope.event().type_url(), "containerd.events.TaskExit");
  EXPECT_EQ(envelope.event().value(), event.SerializeAsString());
}

TEST_F(PublisherTest, keeps_the_order_while_containerd_is_away) {
  for (uint32_t pid = 1; pid <= 5; pid++) publish_start(pid);
  containerd_->start();
  ASSERT_TRUE(publisher_->flush(kLong));
  containerd_->stop();
  for (uint32_t pid = 6; pid <= 10; pid++) publish_start(pid);
  EXPECT_FALSE(publisher_->flush(std::chrono::milliseconds(1)));
  containerd_->start();
  ASSERT_TRUE(publisher_->flush(kLong));
  EXPECT_EQ(pids(), (std::vector<uint32_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(PublisherTest, does_not_stick_to_an_event_that_is_refused) {
  containerd_->refuse_topic = "/tasks/paused";
  containerd_->start();
  pb::TaskPaused paused;
  paused.set_container_id("c");
  publisher_->publish(paused);
  publish_start(7);
  ASSERT_TRUE(publisher_->flush(kLong));
  EXPECT_EQ(pids(), std::vector<uint32_t>{7});
}

TEST_F(PublisherTest, is_bounded_and_keeps_the_newest) {
  const uint32_t count = Publisher::kLimit + 100;
  for (uint32_t pid = 1; pid <= count; pid++) publish_start(pid);
  containerd_->start();
  ASSERT_TRUE(publisher_->flush(kLong));
  const std::vector<uint32_t> seen = pids();
  ASSERT_EQ(seen.size(), Publisher::kLimit);
  EXPECT_EQ(seen.front(), 1u);
  EXPECT_EQ(seen.back(), count);
}

}  // namespace
}  // namespace wherry::shim
