// SPDX-License-Identifier: Apache-2.0
#include "wasi/p1/p1.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "wasi/host/test_directory.h"

namespace wherry::wasi {
namespace {

constexpr uint32_t kSize = 65536;

// A guest's memory and host, without a guest.
class Preview1 : public testing::Test {
 protected:
  Preview1() : p1(host, GuestMemory(bytes)) {
    for (int i = 0; i < 3; i++) {
      Descriptor closed;
      closed.kind = Descriptor::Kind::stdio;
      (void)host.files.add(std::move(closed));
    }
    root = *host.files.add(preopen(directory.path()));
  }

  Text text(std::string_view value, uint32_t at = 1024) {
    std::memcpy(bytes + at, value.data(), value.size());
    return {at, static_cast<uint32_t>(value.size())};
  }
  template <class T>
  T at(uint32_t address) const {
    T value;
    std::memcpy(&value, bytes + address, sizeof value);
    return value;
  }
  template <class T>
  void put(uint32_t address, const T& value) {
    std::memcpy(bytes + address, &value, sizeof value);
  }
  Array<Iovec> buffer(uint32_t address, uint32_t size) {
    put(512, Iovec{address, size});
    return {512, 1};
  }
  uint32_t open(std::string_view path, Oflags oflags = oflag::creat, Rights rights = right::fd_read | right::fd_write) {
    EXPECT_EQ(shown(p1.path_open(root, {1}, text(path), {oflags}, rights, 0, {0}, {64})), "success");
    return at<uint32_t>(64);
  }

  static std::string shown(const Outcome& outcome) {
    switch (outcome.kind()) {
      case Outcome::Kind::returned:
        return std::string(name_of(outcome.errno_value()));
      case Outcome::Kind::trapped:
        return std::string("trap: ") + to_string(outcome.trap());
      case Outcome::Kind::ended:
        return (outcome.ending().kind == Ending::Kind::exited ? "exit " : "signal ") + std::to_string(outcome.ending().code);
    }
    return "?";
  }

  alignas(16) uint8_t bytes[kSize] = {};
  TestDirectory directory;
  Host host;
  P1 p1;
  uint32_t root = 0;
};

constexpr const char* kOutOfBounds = "trap: out of bounds memory access";
constexpr const char* kMisaligned = "trap: host function failed";

TEST_F(Preview1, pointers_out_of_bounds_and_misaligned_trap) {
  EXPECT_EQ(shown(p1.clock_time_get({Clock::monotonic}, 0, {kSize})), kOutOfBounds);
  EXPECT_EQ(shown(p1.clock_time_get({Clock::monotonic}, 0, {kSize - 7})), kMisaligned);
  EXPECT_EQ(shown(p1.clock_time_get({Clock::monotonic}, 0, {0xfffffff8})), kOutOfBounds);
  EXPECT_EQ(shown(p1.clock_time_get({Clock::monotonic}, 0, {kSize - 8})), "success");
  EXPECT_EQ(shown(p1.random_get({kSize - 4, 8})), kOutOfBounds);
  EXPECT_EQ(shown(p1.random_get({kSize, 0})), "success");
  EXPECT_EQ(shown(p1.random_get({kSize + 1, 0})), kOutOfBounds);
  EXPECT_EQ(shown(p1.path_create_directory(root, {kSize - 1, 2})), kOutOfBounds);
  EXPECT_EQ(shown(p1.fd_write(1, {kSize - 8, 2}, {0})), kOutOfBounds);
  EXPECT_EQ(shown(p1.fd_write(1, {0, 0xffffffff}, {0})), kOutOfBounds);
  EXPECT_EQ(shown(p1.fd_write(1, buffer(kSize - 1, 2), {0})), kOutOfBounds);
  EXPECT_EQ(shown(p1.poll_oneoff({0}, {kSize - 16}, 1, {0})), kOutOfBounds);
  EXPECT_EQ(shown(p1.poll_oneoff({kSize - 16}, {0}, 1, {0})), kOutOfBounds);
}

// What is opened for a result that can not be stored would stay open unseen.
TEST_F(Preview1, nothing_is_opened_for_a_bad_pointer) {
  EXPECT_EQ(shown(p1.path_open(root, {1}, text("made"), {oflag::creat}, right::fd_write, 0, {0}, {kSize})), kOutOfBounds);
  EXPECT_NE(::access((directory / "made").c_str(), F_OK), 0);
  EXPECT_EQ(open("other"), root + 1);
}

TEST_F(Preview1, arguments_and_environment_are_strings_with_an_end) {
  host.args = {"prog", "", "b c"};
  host.env = {"K=V"};
  EXPECT_EQ(shown(p1.args_sizes_get({0}, {4})), "success");
  EXPECT_EQ(at<uint32_t>(0), 3u);
  EXPECT_EQ(at<uint32_t>(4), 10u);
  EXPECT_EQ(shown(p1.args_get({0}, {100})), "success");
  EXPECT_EQ(at<uint32_t>(8), 106u);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(bytes) + 100, 10), std::string("prog\0\0b c\0", 10));
  EXPECT_EQ(shown(p1.args_get({0}, {kSize - 9})), kOutOfBounds);
  EXPECT_EQ(shown(p1.environ_sizes_get({0}, {4})), "success");
  EXPECT_EQ(at<uint32_t>(4), 4u);
}

TEST_F(Preview1, files_are_written_read_and_known) {
  const uint32_t fd = open("f");
  text("hello", 2048);
  EXPECT_EQ(shown(p1.fd_write(fd, buffer(2048, 5), {0})), "success");
  EXPECT_EQ(at<uint32_t>(0), 5u);
  EXPECT_EQ(shown(p1.fd_seek(fd, 1, {Whence::set}, {8})), "success");
  EXPECT_EQ(shown(p1.fd_read(fd, buffer(3000, 10), {0})), "success");
  EXPECT_EQ(at<uint32_t>(0), 4u);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(bytes) + 3000, 4), "ello");
  EXPECT_EQ(shown(p1.fd_tell(fd, {8})), "success");
  EXPECT_EQ(at<uint64_t>(8), 5u);
  EXPECT_EQ(shown(p1.fd_filestat_get(fd, {128})), "success");
  EXPECT_EQ(at<layout::Filestat>(128).size, 5u);
  EXPECT_EQ(at<layout::Filestat>(128).filetype, 4);
  EXPECT_EQ(shown(p1.fd_fdstat_get(fd, {128})), "success");
  EXPECT_EQ(at<layout::Fdstat>(128).filetype, 4);
  EXPECT_EQ(shown(p1.fd_close(fd)), "success");
  EXPECT_EQ(shown(p1.fd_close(fd)), "badf");
}

TEST_F(Preview1, the_older_interface_has_its_own_layouts) {
  const uint32_t fd = open("f");
  text("hello", 2048);
  EXPECT_EQ(shown(p1.fd_write(fd, buffer(2048, 5), {0})), "success");
  EXPECT_EQ(shown(p1.unstable_fd_seek(fd, 2, {static_cast<Whence>(2)}, {8})), "success");  // set
  EXPECT_EQ(at<uint64_t>(8), 2u);
  EXPECT_EQ(shown(p1.unstable_fd_seek(fd, 1, {static_cast<Whence>(0)}, {8})), "success");  // cur
  EXPECT_EQ(at<uint64_t>(8), 3u);
  EXPECT_EQ(shown(p1.unstable_fd_seek(fd, 0, {static_cast<Whence>(1)}, {8})), "success");  // end
  EXPECT_EQ(at<uint64_t>(8), 5u);
  put(128 + 56, uint64_t{0x1122334455667788});
  EXPECT_EQ(shown(p1.unstable_fd_filestat_get(fd, {128})), "success");
  EXPECT_EQ(at<uint32_t>(128 + 20), 1u);
  EXPECT_EQ(at<uint64_t>(128 + 24), 5u);
  EXPECT_EQ(at<uint64_t>(128 + 56), 0x1122334455667788u);

  layout::UnstableSubscription subscription{};
  subscription.userdata = 42;
  subscription.identifier = 1;
  subscription.id = 1;
  put(256, subscription);
  EXPECT_EQ(shown(p1.unstable_poll_oneoff({256}, {512}, 1, {0})), "success");
  EXPECT_EQ(at<layout::Event>(512).userdata, 42u);
}

TEST_F(Preview1, directories_list_what_is_in_them_cut_to_the_buffer) {
  directory.write("a-file-with-a-long-name", "");
  EXPECT_EQ(shown(p1.fd_readdir(root, {4096, 4096}, 0, {0})), "success");
  const uint32_t all = at<uint32_t>(0);
  EXPECT_EQ(all, 3u * 24 + 1 + 2 + 23);
  EXPECT_EQ(shown(p1.fd_readdir(root, {4096, all - 1}, 0, {0})), "success");
  EXPECT_EQ(at<uint32_t>(0), all - 1);
  EXPECT_EQ(shown(p1.fd_readdir(root, {4096, 10}, 0, {0})), "success");
  EXPECT_EQ(at<uint32_t>(0), 10u);
  EXPECT_EQ(shown(p1.fd_readdir(open("f"), {4096, 10}, 0, {0})), "badf");
  EXPECT_EQ(shown(p1.fd_readdir(1, {4096, 10}, 0, {0})), "badf");
}

TEST_F(Preview1, preopens_have_names) {
  EXPECT_EQ(shown(p1.fd_prestat_get(root, {0})), "success");
  EXPECT_EQ(at<uint32_t>(4), 1u);
  EXPECT_EQ(shown(p1.fd_prestat_dir_name(root, {100, 0})), "nametoolong");
  EXPECT_EQ(shown(p1.fd_prestat_dir_name(root, {100, 1})), "success");
  EXPECT_EQ(bytes[100], '/');
  EXPECT_EQ(shown(p1.fd_prestat_get(1, {0})), "badf");
  EXPECT_EQ(shown(p1.fd_prestat_get(root + 1, {0})), "badf");
}

TEST_F(Preview1, a_guest_ends_itself) {
  EXPECT_EQ(shown(p1.proc_exit(7)), "exit 7");
  EXPECT_EQ(shown(p1.proc_raise(SIGTERM)), "signal 15");
  EXPECT_EQ(shown(p1.proc_raise(0)), "success");
  EXPECT_EQ(shown(p1.proc_raise(99)), "inval");
  EXPECT_EQ(shown(p1.sched_yield()), "success");
}

TEST_F(Preview1, a_closed_pipe_ends_the_guest_only_on_standard_output) {
  ::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  Descriptor output;
  output.fd.reset(ends[1]);
  output.kind = Descriptor::Kind::stdio;
  output.base = right::fd_write;
  const uint32_t fd = *host.files.add(std::move(output));
  EXPECT_EQ(shown(p1.fd_write(fd, buffer(0, 1), {0})), "signal 13");
}

TEST_F(Preview1, poll_wants_subscriptions_of_a_known_kind_and_a_bounded_number) {
  EXPECT_EQ(shown(p1.poll_oneoff({0}, {256}, 0, {0})), "inval");
  EXPECT_EQ(shown(p1.poll_oneoff({0}, {256}, 0x7fffffff, {0})), "inval");
  layout::Subscription subscription{};
  subscription.tag = 3;
  put(0, subscription);
  EXPECT_EQ(shown(p1.poll_oneoff({0}, {256}, 1, {512})), "inval");
  subscription.tag = 2;
  subscription.id = open("f");
  subscription.userdata = 5;
  put(0, subscription);
  EXPECT_EQ(shown(p1.poll_oneoff({0}, {256}, 1, {512})), "success");
  EXPECT_EQ(at<uint32_t>(512), 1u);
  EXPECT_EQ(at<layout::Event>(256).kind, 2);
  EXPECT_EQ(at<layout::Event>(256).userdata, 5u);
}

TEST_F(Preview1, socket_calls_want_sockets) {
  EXPECT_EQ(shown(p1.sock_shutdown(99, 1)), "badf");
  EXPECT_EQ(shown(p1.sock_shutdown(root, 1)), "notsock");
  EXPECT_EQ(shown(p1.sock_accept(root, {0}, {0})), "notsock");
  EXPECT_EQ(shown(p1.sock_recv(root, buffer(0, 1), {0}, {4}, {8})), "notsock");
  EXPECT_EQ(shown(p1.sock_send(root, buffer(0, 1), 0, {4})), "notsock");
}

TEST(Preview1Imports, have_the_types_of_the_interface) {
  struct Expected {
    std::string_view name, type;
  };
  constexpr Expected kExpected[] = {
      {"fd_write", "iiii:i"},     {"fd_seek", "iIii:i"},          {"path_open", "iiiiiIIii:i"},
      {"proc_exit", "i:"},        {"sched_yield", ":i"},          {"poll_oneoff", "iiii:i"},
      {"fd_readdir", "iiiIi:i"},  {"path_filestat_set_times", "iiiiIIi:i"}, {"sock_accept", "iii:i"},
      {"fd_advise", "iIIi:i"},    {"clock_time_get", "iIi:i"},    {"path_link", "iiiiiii:i"},
  };
  for (const Expected& expected : kExpected) {
    bool found = false;
    for (const Import& import : snapshot_preview1_imports()) {
      if (import.name != expected.name) continue;
      EXPECT_EQ(import.type, expected.type) << import.name;
      found = true;
    }
    EXPECT_TRUE(found) << expected.name;
  }
  EXPECT_EQ(snapshot_preview1_imports().size(), 46u);
  EXPECT_EQ(unstable_imports().size(), 45u);
}

}  // namespace
}  // namespace wherry::wasi
