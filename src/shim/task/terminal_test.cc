// SPDX-License-Identifier: Apache-2.0
#include "shim/task/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <thread>

namespace wherry::shim {
namespace {

using std::chrono::seconds;

struct Pipe {
  UniqueFd reader, writer;
};

Pipe make_pipe() {
  int fds[2];
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void set_nonblocking(const UniqueFd& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

std::string read_to_end(const UniqueFd& fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<size_t>(n));
  return all;
}

// A terminal with a program's side, `slave`, and a client's: `keyboard`, `screen`.
class TerminalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int master_fd, slave_fd;
    ASSERT_EQ(::openpty(&master_fd, &slave_fd, nullptr, nullptr, nullptr), 0);
    slave.reset(slave_fd);
    UniqueFd master(master_fd);
    Pipe input = make_pipe(), output = make_pipe();
    for (const UniqueFd* fd : {&master, &input.reader, &output.writer}) set_nonblocking(*fd);
    keyboard = std::move(input.writer);
    screen = std::move(output.reader);
    auto made = EventLoop::create();
    ASSERT_TRUE(made);
    loop_ = std::move(*made);
    terminal = Terminal::create(*loop_, std::move(master), std::move(input.reader), std::move(output.writer));
    thread_ = std::thread([this] { loop_->run(); });
  }
  void TearDown() override {
    terminal->close();
    EXPECT_TRUE(terminal->drain(seconds(10)));
    loop_->stop();
    thread_.join();
  }

  void set_mode(tcflag_t clear) {
    termios settings;
    ASSERT_EQ(::tcgetattr(slave.get(), &settings), 0);
    settings.c_lflag &= ~clear;
    settings.c_oflag = 0;
    ASSERT_EQ(::tcsetattr(slave.get(), TCSANOW, &settings), 0);
  }
  std::string read_line() {
    char buffer[256];
    const ssize_t n = ::read(slave.get(), buffer, sizeof buffer);
    return n < 0 ? "error" : std::string(buffer, static_cast<size_t>(n));
  }

  UniqueFd slave, keyboard, screen;
  std::shared_ptr<Terminal> terminal;

 private:
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

TEST_F(TerminalTest, carries_what_is_typed_and_its_end) {
  set_mode(ECHO);
  terminal->start();
  ASSERT_EQ(::write(keyboard.get(), "one\ntwo\n", 8), 8);
  EXPECT_EQ(read_line(), "one\n");
  EXPECT_EQ(read_line(), "two\n");
  keyboard.reset();
  EXPECT_EQ(read_line(), "");
}

TEST_F(TerminalTest, gives_a_slow_client_all_output_and_then_the_end) {
  set_mode(ECHO);
  terminal->start();
  std::string all;
  for (int i = 0; i < 40000; i++) all += "line " + std::to_string(i) + "\n";
  std::thread program([&] {
    EXPECT_TRUE(write_all(slave.get(), all, "slave"));
    slave.reset();
  });
  EXPECT_FALSE(terminal->drain(std::chrono::milliseconds(20)));
  EXPECT_EQ(read_to_end(screen), all);
  program.join();
  EXPECT_TRUE(terminal->drain(seconds(10)));
}

TEST_F(TerminalTest, hangs_up_a_program_that_reads_keys_when_the_client_is_gone) {
  set_mode(ECHO | ICANON);
  terminal->start();
  keyboard.reset();
  EXPECT_EQ(read_to_end(screen), "");
  EXPECT_EQ(read_line(), "");  // a terminal that was hung up
}

TEST_F(TerminalTest, a_client_that_went_away_holds_no_program_up) {
  set_mode(ECHO);
  ::signal(SIGPIPE, SIG_IGN);
  terminal->start();
  screen.reset();
  EXPECT_TRUE(write_all(slave.get(), std::string(200000, 'x'), "slave"));
  slave.reset();
  EXPECT_TRUE(terminal->drain(seconds(10)));
}

TEST_F(TerminalTest, is_resized_until_it_is_gone) {
  terminal->start();
  ASSERT_TRUE(terminal->resize(132, 100000));
  winsize size;
  ASSERT_EQ(::ioctl(slave.get(), TIOCGWINSZ, &size), 0);
  EXPECT_EQ(size.ws_col, 132);
  EXPECT_EQ(size.ws_row, 65535);
  slave.reset();
  EXPECT_EQ(read_to_end(screen), "");
  EXPECT_TRUE(terminal->resize(1, 1));
}

}  // namespace
}  // namespace wherry::shim
