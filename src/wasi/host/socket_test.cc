// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/socket.h"

#include <netinet/tcp.h>
#include <sys/eventfd.h>

#include <atomic>
#include <thread>

#include "wasi/host/dns.h"
#include "wasi/host/poll.h"
#include "wasi/host/socket_option.h"
#include "wasi/host/test_directory.h"

namespace wherry::wasi {
namespace {

using Family = SocketAddress::Family;

SocketAddress loopback(Family family, uint16_t port = 0) {
  SocketAddress address;
  address.family = family;
  if (family == Family::inet4) {
    address.ip = {127, 0, 0, 1};
  } else {
    address.ip[15] = 1;
  }
  address.port = port;
  return address;
}

// An interruption that the test asks for itself.
class Interruption {
 public:
  Interruption() : fd_(::eventfd(0, EFD_CLOEXEC)) {}
  Wake wake() const {
    return {fd_.get(), this, [](const void* self) { return static_cast<const Interruption*>(self)->requested_.load(); }};
  }
  void request() {
    requested_ = true;
    ::eventfd_write(fd_.get(), 1);
  }

 private:
  UniqueFd fd_;
  std::atomic<bool> requested_{false};
};

Descriptor bound(Family family, SocketType type) {
  Io<Descriptor> socket = socket_open(family, type);
  EXPECT_EQ(outcome(socket), "success");
  EXPECT_EQ(outcome(socket_bind(*socket, loopback(family))), "success");
  return std::move(*socket);
}

std::string receive(Descriptor& socket, const Wake& wake = {}) {
  char text[64];
  const iovec buffer{text, sizeof text};
  const Io<size_t> n = socket_receive(socket, {&buffer, 1}, 0, wake);
  return n ? std::string(text, *n) : std::string(name_of(n.error()));
}

Io<size_t> send(Descriptor& socket, std::string_view text, const SocketAddress* to = nullptr) {
  const iovec buffer{const_cast<char*>(text.data()), text.size()};
  return socket_send(socket, {&buffer, 1}, {}, to);
}

class Tcp : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    Io<Descriptor> probe = socket_open(GetParam(), SocketType::stream);
    if (!probe || !socket_bind(*probe, loopback(GetParam()))) GTEST_SKIP() << "no such address family here";
    listener = bound(GetParam(), SocketType::stream);
    ASSERT_TRUE(socket_listen(listener, 8));
    address = *socket_local_address(listener);
    client = *socket_open(GetParam(), SocketType::stream);
  }

  Descriptor listener, client;
  SocketAddress address;
};

TEST_P(Tcp, connects_talks_and_closes) {
  EXPECT_NE(address.port, 0);
  ASSERT_EQ(outcome(socket_connect(client, address, {})), "success");
  Io<Descriptor> server = socket_accept(listener, 0, {});
  ASSERT_EQ(outcome(server), "success");
  EXPECT_TRUE(*socket_peer_address(client) == address);
  EXPECT_TRUE(*socket_peer_address(*server) == *socket_local_address(client));
  EXPECT_EQ(*send(client, "hello"), 5u);
  EXPECT_EQ(receive(*server), "hello");
  EXPECT_TRUE(socket_shutdown(client, kShutdownWrite));
  EXPECT_EQ(receive(*server), "");
  EXPECT_EQ(*send(*server, "bye"), 3u);
  EXPECT_EQ(receive(client), "bye");
  client = Descriptor{};
  Io<size_t> sent = send(*server, "x");
  while (sent) sent = send(*server, "x");  // the first may still be taken
  EXPECT_TRUE(outcome(sent) == "pipe" || outcome(sent) == "connreset") << outcome(sent);
}

TEST_P(Tcp, sends_at_once_on_accepted_sockets_too) {
  ASSERT_TRUE(socket_connect(client, address, {}));
  const Io<Descriptor> server = socket_accept(listener, 0, {});
  ASSERT_TRUE(server);
  int on = 0;
  socklen_t size = sizeof on;
  EXPECT_EQ(::getsockopt(server->fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
  EXPECT_NE(on, 0);
}

TEST_P(Tcp, without_blocking_says_again_and_in_progress) {
  listener.flags = client.flags = fdflag::nonblock;
  EXPECT_EQ(outcome(socket_accept(listener, 0, {})), "again");
  const Io<void> connected = socket_connect(client, address, {});
  EXPECT_TRUE(connected || connected.error() == Errno::inprogress);
  ASSERT_TRUE(wait_for(client.fd.get(), POLLOUT, 0, {}));
  EXPECT_EQ(*socket_option(client, SocketOption::error), 0);
  EXPECT_EQ(receive(client), "again");
}

TEST_P(Tcp, refused_is_an_error_of_connect) {
  listener = Descriptor{};
  EXPECT_EQ(outcome(socket_connect(client, address, {})), "connrefused");
}

TEST_P(Tcp, timeouts_end_a_wait) {
  ASSERT_TRUE(socket_connect(client, address, {}));
  client.recv_timeout = 1'000'000;
  EXPECT_EQ(receive(client), "again");
  listener.recv_timeout = 1'000'000;
  ASSERT_TRUE(socket_accept(listener, 0, {}));
  EXPECT_EQ(outcome(socket_accept(listener, 0, {})), "again");
}

TEST_P(Tcp, an_interruption_ends_every_wait) {
  ASSERT_TRUE(socket_connect(client, address, {}));
  const Io<Descriptor> server = socket_accept(listener, 0, {});
  ASSERT_TRUE(server);
  Interruption interruption;
  std::thread soon([&] { interruption.request(); });
  EXPECT_EQ(receive(client, interruption.wake()), "intr");
  EXPECT_EQ(outcome(socket_accept(listener, 0, interruption.wake())), "intr");
  soon.join();
}

TEST_P(Tcp, peek_and_waitall) {
  ASSERT_TRUE(socket_connect(client, address, {}));
  Io<Descriptor> server = socket_accept(listener, 0, {});
  ASSERT_TRUE(server);
  char text[6] = {};
  const iovec buffer{text, 5};
  ASSERT_TRUE(send(client, "ab"));
  EXPECT_EQ(*socket_receive(*server, {&buffer, 1}, kRecvPeek, {}), 2u);
  std::thread later([&] { (void)send(client, "cde"); });
  EXPECT_EQ(*socket_receive(*server, {&buffer, 1}, kRecvWaitall, {}), 5u);
  EXPECT_STREQ(text, "abcde");
  later.join();
}

INSTANTIATE_TEST_SUITE_P(, Tcp, testing::Values(Family::inet4, Family::inet6),
                         [](const auto& info) { return info.param == Family::inet4 ? "inet4" : "inet6"; });

TEST(Udp, datagrams_know_their_sender_and_are_cut) {
  Descriptor a = bound(Family::inet4, SocketType::datagram), b = bound(Family::inet4, SocketType::datagram);
  const SocketAddress to = *socket_local_address(b);
  ASSERT_EQ(*send(a, "long datagram", &to), 13u);
  char text[4];
  const iovec buffer{text, sizeof text};
  ReceiveDetails details;
  EXPECT_EQ(*socket_receive(b, {&buffer, 1}, 0, {}, &details), 4u);
  EXPECT_TRUE(details.truncated);
  EXPECT_TRUE(*details.from == *socket_local_address(a));
}

TEST(SocketOption, numbers_are_ours_and_not_the_kernels) {
  Descriptor stream = bound(Family::inet4, SocketType::stream), datagram = bound(Family::inet4, SocketType::datagram);
  EXPECT_EQ(*socket_option(stream, SocketOption::type), 2);
  EXPECT_EQ(*socket_option(datagram, SocketOption::type), 1);
  EXPECT_EQ(*socket_option(stream, SocketOption::acceptconn), 0);
  ASSERT_TRUE(socket_listen(stream, 1));
  EXPECT_EQ(*socket_option(stream, SocketOption::acceptconn), 1);
  ASSERT_TRUE(set_socket_option(datagram, SocketOption::broadcast, 1));
  EXPECT_EQ(*socket_option(datagram, SocketOption::broadcast), 1);
  EXPECT_EQ(outcome(set_socket_option(stream, SocketOption::type, 1)), "noprotoopt");
  ASSERT_TRUE(set_socket_linger(stream, {true, 3}));
  EXPECT_EQ(socket_linger(stream)->seconds, 3);
}

struct LookupCase {
  const char* name;
  LookupRequest request;
  std::vector<SocketAddress> expected;
  const char* error;
};

TEST(Lookup, of_numbers_and_of_nothing_asks_nobody) {
  SocketAddress any;
  any.port = 80;
  const LookupCase cases[] = {
      {"inet4", {"127.0.0.1", "http", {}, false, false}, {loopback(Family::inet4, 80)}, "success"},
      {"inet6", {"::1", "8080", {}, false, false}, {loopback(Family::inet6, 8080)}, "success"},
      {"other family", {"::1", "", Family::inet4, false, false}, {}, "aiaddrfamily"},
      {"passive", {"", "80", Family::inet4, true, false}, {any}, "success"},
      {"loopback", {"", "", Family::inet6, false, false}, {loopback(Family::inet6)}, "success"},
      {"bad port", {"127.0.0.1", "65536", {}, false, false}, {}, "aiservice"},
      {"bad service", {"127.0.0.1", "nonsense", {}, false, false}, {}, "aiservice"},
      {"name where a number must be", {"localhost", "", {}, false, true}, {}, "ainoname"},
      {"too long", {std::string(300, 'a'), "", {}, false, false}, {}, "ainoname"},
  };
  for (const LookupCase& c : cases) {
    SCOPED_TRACE(c.name);
    const auto found = lookup(c.request, {});
    ASSERT_EQ(outcome(found), c.error);
    if (found) {
      EXPECT_TRUE(*found == c.expected);
    }
  }
}

TEST(Lookup, finds_the_names_of_the_hosts_file) {
  const auto found = lookup({"localhost", "7", Family::inet4, false, false}, {});
  ASSERT_EQ(outcome(found), "success");
  EXPECT_TRUE(found->at(0) == loopback(Family::inet4, 7));
}

Subscription readable(uint32_t fd) { return {1, Subscription::Kind::fd_read, fd, Clock::realtime, 0, false}; }
Subscription writable(uint32_t fd) { return {2, Subscription::Kind::fd_write, fd, Clock::realtime, 0, false}; }
Subscription after(uint64_t nanoseconds, Clock clock = Clock::monotonic) {
  return {3, Subscription::Kind::clock, 0, clock, nanoseconds, false};
}

class Polling : public testing::Test {
 protected:
  Polling() {
    Descriptor server = bound(Family::inet4, SocketType::stream);
    EXPECT_TRUE(socket_listen(server, 8));
    const SocketAddress address = *socket_local_address(server);
    Descriptor client = *socket_open(Family::inet4, SocketType::stream);
    EXPECT_TRUE(socket_connect(client, address, {}));
    listener_ = *files_.add(std::move(server));
    client_ = *files_.add(std::move(client));
  }

  std::span<const Event> wait(std::vector<Subscription> subscriptions, const Wake& wake = {}) {
    poller_.subscriptions = std::move(subscriptions);
    const auto events = poller_.wait(files_, wake);
    EXPECT_EQ(outcome(events), "success");
    return events ? *events : std::span<const Event>();
  }

  DescriptorTable files_{16};
  Poller poller_;
  uint32_t listener_ = 0, client_ = 0;
};

TEST_F(Polling, tells_what_is_ready) {
  const auto events = wait({readable(listener_), readable(client_), writable(client_), after(1'000'000'000'000)});
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].userdata, 1u);
  EXPECT_EQ(events[1].userdata, 2u);
  EXPECT_FALSE(events[1].hangup);
}

TEST_F(Polling, a_clock_ends_the_wait) {
  const auto events = wait({readable(client_), after(1'000'000), after(1'000'000'000'000)});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].userdata, 3u);
}

TEST_F(Polling, absolute_times_and_clocks_of_all_kinds) {
  Subscription past{7, Subscription::Kind::clock, 0, Clock::realtime, 1, true};
  EXPECT_EQ(wait({past})[0].error, Errno::success);
  past.clock = Clock::monotonic;
  EXPECT_EQ(wait({past})[0].error, Errno::success);
  past.clock = Clock::process_cputime_id;
  EXPECT_EQ(wait({past})[0].error, Errno::notsup);
  past.clock = static_cast<Clock>(99);
  EXPECT_EQ(wait({past})[0].error, Errno::notsup);
  EXPECT_EQ(wait({after(0)})[0].error, Errno::success);
}

TEST_F(Polling, what_can_not_be_waited_for_is_an_event) {
  const auto events = wait({readable(99), writable(client_)});
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].error, Errno::badf);
  EXPECT_EQ(events[1].error, Errno::success);
}

TEST_F(Polling, a_peer_that_is_gone_is_a_hangup) {
  Descriptor accepted = *socket_accept(**files_.get(listener_), 0, {});
  accepted = Descriptor{};
  const auto events = wait({readable(client_)});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].hangup);
}

TEST_F(Polling, an_interruption_ends_it) {
  Interruption interruption;
  std::thread soon([&] { interruption.request(); });
  poller_.subscriptions = {readable(client_), after(1'000'000'000'000)};
  EXPECT_EQ(outcome(poller_.wait(files_, interruption.wake())), "intr");
  soon.join();
}

TEST_F(Polling, many_subscriptions) {
  std::vector<Subscription> many(5000, writable(client_));
  EXPECT_EQ(wait(std::move(many)).size(), 5000u);
}

}  // namespace
}  // namespace wherry::wasi
