// SPDX-License-Identifier: Apache-2.0
#include "shim/task/stdio.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace wherry::shim {
namespace {

class StdioTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "stdio.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string fifo(const char* name) {
    const std::string path = directory_ + "/" + name;
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return path;
  }
  static UniqueFd open_fd(const std::string& path, int flags) { return UniqueFd(::open(path.c_str(), flags | O_CLOEXEC)); }
  static Deadline never() {
    return [](std::function<void()>) {};
  }
  static std::string read_to_end(int fd) {
    const auto text = read_all(fd, 1 << 20, "fifo");
    return text ? *text : text.error().to_string();
  }

  std::string directory_;
};

TEST_F(StdioTest, of_nothing_is_nothing) {
  const auto stdio = Stdio::open({}, never());
  ASSERT_TRUE(stdio);
  for (int i = 0; i < 3; i++) EXPECT_EQ((*stdio)->fd(i), -1);
}

TEST_F(StdioTest, waits_for_a_reader_and_loses_nothing) {
  const std::string path = fifo("out");
  std::string seen;
  std::thread client([&] {
    const UniqueFd reader = open_fd(path, O_RDONLY);
    seen = read_to_end(reader.get());
  });
  auto stdio = Stdio::open({.stdout_path = path}, never());
  ASSERT_TRUE(stdio) << stdio.error().to_string();
  ASSERT_TRUE(write_all((*stdio)->fd(1), std::string_view("last words"), "fifo"));
  (*stdio)->container_has_them();
  // The shim still holds its reader, and that keeps no end of file away.
  client.join();
  EXPECT_EQ(seen, "last words");
}

TEST_F(StdioTest, keeps_output_while_the_client_is_away) {
  const std::string path = fifo("out");
  UniqueFd reader = open_fd(path, O_RDONLY | O_NONBLOCK);
  auto stdio = Stdio::open({.stdout_path = path}, never());
  ASSERT_TRUE(stdio);
  reader.reset();
  ASSERT_TRUE(write_all((*stdio)->fd(1), std::string_view("meanwhile"), "fifo"));
  reader = open_fd(path, O_RDONLY | O_NONBLOCK);
  (*stdio)->container_has_them();
  EXPECT_EQ(read_to_end(reader.get()), "meanwhile");
}

TEST_F(StdioTest, gives_up_when_nobody_comes) {
  const std::string path = fifo("out");
  std::thread later;
  const auto stdio = Stdio::open({.stdout_path = path}, [&](std::function<void()> action) { later = std::thread(std::move(action)); });
  later.join();
  ASSERT_FALSE(stdio);
  EXPECT_EQ(stdio.error().message, path + ": nobody opened the fifo for reading");
}

TEST_F(StdioTest, stdin_of_a_started_container_ends_only_after_close) {
  const std::string path = fifo("in");
  auto stdio = Stdio::open({.stdin_path = path}, never());
  ASSERT_TRUE(stdio) << stdio.error().to_string();
  UniqueFd client = open_fd(path, O_WRONLY);
  ASSERT_TRUE((*stdio)->started());
  ASSERT_TRUE(write_all(client.get(), std::string_view("hi"), "fifo"));
  client.reset();
  const int fd = (*stdio)->fd(0);
  EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  char buffer[8];
  ASSERT_EQ(::read(fd, buffer, sizeof buffer), 2);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  EXPECT_EQ(::read(fd, buffer, sizeof buffer), -1) << "a writer is left";
  (*stdio)->close_stdin();
  (*stdio)->close_stdin();
  EXPECT_EQ(::read(fd, buffer, sizeof buffer), 0);
}

TEST_F(StdioTest, stdin_that_the_client_closed_before_the_start_has_ended) {
  const std::string path = fifo("in");
  auto stdio = Stdio::open({.stdin_path = path}, never());
  ASSERT_TRUE(stdio);
  UniqueFd client = open_fd(path, O_WRONLY);
  ASSERT_TRUE(write_all(client.get(), std::string_view("hi"), "fifo"));
  client.reset();
  ASSERT_TRUE((*stdio)->started());
  EXPECT_EQ(read_to_end((*stdio)->fd(0)), "hi");
}

TEST_F(StdioTest, stdin_closed_before_the_start_stays_closed) {
  const std::string path = fifo("in");
  auto stdio = Stdio::open({.stdin_path = path}, never());
  ASSERT_TRUE(stdio);
  (*stdio)->close_stdin();
  ASSERT_TRUE((*stdio)->started());
  EXPECT_EQ(read_to_end((*stdio)->fd(0)), "");
}

TEST_F(StdioTest, stdin_waits_for_a_client_that_comes_after_the_start) {
  const std::string path = fifo("in");
  auto stdio = Stdio::open({.stdin_path = path}, never());
  ASSERT_TRUE(stdio);
  ASSERT_TRUE((*stdio)->started());
  UniqueFd client = open_fd(path, O_WRONLY);
  ASSERT_TRUE(write_all(client.get(), std::string_view("late"), "fifo"));
  client.reset();
  (*stdio)->close_stdin();
  EXPECT_EQ(read_to_end((*stdio)->fd(0)), "late");
}

TEST_F(StdioTest, file_uri_takes_both_outputs_and_appends) {
  const std::string path = directory_ + "/deep/er/x.log";
  for (int i = 0; i < 2; i++) {
    auto stdio = Stdio::open({.stdout_path = "file://" + path}, never());
    ASSERT_TRUE(stdio) << stdio.error().to_string();
    ASSERT_TRUE(write_all((*stdio)->fd(1), std::string_view("out "), "file"));
    ASSERT_TRUE(write_all((*stdio)->fd(2), std::string_view("err "), "file"));
  }
  EXPECT_EQ(*read_file(path, 100), "out err out err ");
}

TEST_F(StdioTest, knows_what_the_client_has_not_read) {
  const std::string path = directory_ + "/out";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const UniqueFd client(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  const auto stdio = Stdio::open({.stdout_path = path}, never());
  ASSERT_TRUE(stdio);
  EXPECT_FALSE((*stdio)->unread());
  ASSERT_TRUE(write_all((*stdio)->fd(1), std::string_view("text"), "fifo"));
  EXPECT_TRUE((*stdio)->unread());
  char text[8];
  EXPECT_EQ(::read(client.get(), text, sizeof text), 4);
  EXPECT_FALSE((*stdio)->unread());
}

TEST_F(StdioTest, says_what_it_can_not_do) {
  const struct {
    StdioConfig config;
    ErrorKind kind;
    std::string error;
  } cases[] = {
      {{.stdout_path = "binary:///nowhere/log?a=b"}, ErrorKind::not_found, "logging program /nowhere/log: No such file or directory"},
      {{.stdout_path = "http://x"}, ErrorKind::invalid, "log URI http://x: unknown scheme"},
      {{.stdout_path = "file://x"}, ErrorKind::invalid, "log URI: expected file:///path, found \"file://x\""},
      {{.stdin_path = directory_ + "/none"}, ErrorKind::not_found, directory_ + "/none: No such file or directory"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.error);
    const auto stdio = Stdio::open(c.config, never());
    ASSERT_FALSE(stdio);
    EXPECT_EQ(stdio.error().kind, c.kind);
    EXPECT_EQ(stdio.error().message, c.error);
  }
}

}  // namespace
}  // namespace wherry::shim
