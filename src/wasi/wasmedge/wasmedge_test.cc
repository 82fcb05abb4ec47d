// SPDX-License-Identifier: Apache-2.0
#include "wasi/wasmedge/wasmedge.h"

#include <gtest/gtest.h>

#include <set>

#include "wasi/p1/p1.h"
#include "wasi/wasmedge/address.h"

namespace wherry::wasi {
namespace {

constexpr uint32_t kSize = 65536;

class Sockets : public testing::Test {
 protected:
  Sockets() : guest(host, GuestMemory(bytes)) {}

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
  // {buf, len} at 8, for an address of `size` bytes at 256.
  Ptr<Iovec> address(uint32_t size) {
    put(8, Iovec{256, size});
    return {8};
  }
  Ptr<Iovec> loopback4() {
    put(256, std::array<uint8_t, 4>{127, 0, 0, 1});
    return address(4);
  }
  Ptr<Iovec> loopback128() {
    std::memset(bytes + 256, 0, 128);
    bytes[256] = wasmedge::kInet4;
    put(258, std::array<uint8_t, 4>{127, 0, 0, 1});
    return address(128);
  }
  Array<Iovec> data(std::string_view text) {
    std::memcpy(bytes + 4096, text.data(), text.size());
    put(512, Iovec{4096, static_cast<uint32_t>(text.size())});
    return {512, 1};
  }
  Array<Iovec> room(uint32_t size) {
    put(512, Iovec{8192, size});
    return {512, 1};
  }
  std::string received(uint32_t size) const { return {reinterpret_cast<const char*>(bytes) + 8192, size}; }

  uint32_t open(uint32_t family, uint32_t type) {
    EXPECT_EQ(code(guest.sock_open(family, type, {0})), 0u);
    return at<uint32_t>(0);
  }
  static uint32_t code(const Outcome& outcome) {
    return outcome.kind() == Outcome::Kind::returned ? static_cast<uint32_t>(outcome.errno_value()) : ~0u;
  }
  static constexpr uint32_t number(Errno value) { return static_cast<uint32_t>(value); }

  alignas(16) uint8_t bytes[kSize] = {};
  Host host;
  WasmEdge guest;
};

TEST_F(Sockets, tcp_in_both_generations) {
  const uint32_t listener = open(wasmedge::kInet4, wasmedge::kStream);
  ASSERT_EQ(code(guest.sock_bind(listener, loopback4(), 0)), 0u);
  ASSERT_EQ(code(guest.sock_listen(listener, 8)), 0u);
  ASSERT_EQ(code(guest.sock_getlocaladdr_v1(listener, address(16), {32}, {36})), 0u);
  EXPECT_EQ(at<uint32_t>(32), 4u);
  EXPECT_EQ(at<uint32_t>(256), 0x0100007fu);
  const uint32_t port = at<uint32_t>(36);
  EXPECT_NE(port, 0u);

  const uint32_t client = open(wasmedge::kInet4, wasmedge::kStream);
  ASSERT_EQ(code(guest.sock_connect(client, loopback128(), port)), 0u);
  ASSERT_EQ(code(guest.sock_accept(listener, {0})), 0u);
  const uint32_t server = at<uint32_t>(0);
  P1 p1(host, GuestMemory(bytes));
  ASSERT_EQ(code(p1.sock_send(client, data("hello"), 0, {4})), 0u);
  ASSERT_EQ(code(p1.sock_recv(server, room(64), {0}, {4}, {40})), 0u);
  EXPECT_EQ(received(at<uint32_t>(4)), "hello");

  ASSERT_EQ(code(guest.sock_getpeeraddr_v2(client, address(128), {36})), 0u);
  EXPECT_EQ(bytes[256], wasmedge::kInet4);
  EXPECT_EQ(at<uint32_t>(36), port);
  EXPECT_EQ(code(guest.sock_getpeeraddr_v2(client, address(16), {36})), number(Errno::inval));
  EXPECT_EQ(code(guest.sock_close(client)), 0u);
  ASSERT_EQ(code(p1.sock_recv(server, room(64), {0}, {4}, {40})), 0u);
  EXPECT_EQ(at<uint32_t>(4), 0u);
}

TEST_F(Sockets, udp_in_all_generations) {
  const uint32_t a = open(wasmedge::kInet4, wasmedge::kDatagram), b = open(0, 0);
  ASSERT_EQ(code(guest.sock_bind(a, loopback4(), 0)), 0u);
  ASSERT_EQ(code(guest.sock_bind(b, loopback128(), 0)), 0u);
  ASSERT_EQ(code(guest.sock_getlocaladdr_v2(a, address(128), {36})), 0u);
  const uint32_t port_a = at<uint32_t>(36);
  ASSERT_EQ(code(guest.sock_getlocaladdr_v2(b, address(128), {36})), 0u);
  const uint32_t port_b = at<uint32_t>(36);

  ASSERT_EQ(code(guest.sock_send_to(a, data("one"), loopback4(), port_b, 0, {4})), 0u);
  ASSERT_EQ(code(guest.sock_recv_from_v2(b, room(64), address(128), 0, {36}, {4}, {40})), 0u);
  EXPECT_EQ(received(at<uint32_t>(4)), "one");
  EXPECT_EQ(at<uint32_t>(36), port_a);
  EXPECT_EQ(bytes[256], wasmedge::kInet4);

  ASSERT_EQ(code(guest.sock_send_to(a, data("two"), loopback128(), port_b, 0, {4})), 0u);
  ASSERT_EQ(code(guest.sock_recv_from_v1(b, room(2), address(16), 0, {4}, {40})), 0u);
  EXPECT_EQ(received(at<uint32_t>(4)), "tw");
  EXPECT_EQ(at<uint32_t>(40), 1u) << "the rest was cut";
  EXPECT_EQ(at<uint32_t>(256), 0x0100007fu);

  const std::string to = "127.0.0.1:" + std::to_string(port_b);
  data("three");
  std::memcpy(bytes + 1024, to.data(), to.size());
  EXPECT_EQ(code(guest.sock_send_to_old(a, {4096, 5}, {1024, static_cast<uint32_t>(to.size())}, 0)), 5u);
  EXPECT_EQ(code(guest.sock_recv_from_old(b, {8192, 64}, {2048}, {44}, 0)), 5u);
  EXPECT_EQ(received(5), "three");
  EXPECT_EQ(std::string(reinterpret_cast<char*>(bytes) + 2048), "127.0.0.1:" + std::to_string(port_a));
  EXPECT_EQ(at<uint32_t>(44), std::strlen(reinterpret_cast<char*>(bytes) + 2048));
}

TEST_F(Sockets, the_numbering_of_2021_is_told_by_family_0) {
  const uint32_t stream = open(0, 1);
  EXPECT_EQ((*host.files.get(stream))->filetype, Filetype::socket_stream);
  const uint32_t datagram = open(0, 0);
  EXPECT_EQ((*host.files.get(datagram))->filetype, Filetype::socket_dgram);
  EXPECT_EQ(code(guest.sock_open(3, 2, {0})), number(Errno::afnosupport));
  EXPECT_EQ(code(guest.sock_open(1, 9, {0})), number(Errno::prototype));
}

TEST_F(Sockets, options) {
  const uint32_t fd = open(wasmedge::kInet4, wasmedge::kStream);
  put(64, int32_t{1});
  EXPECT_EQ(code(guest.sock_setsockopt(fd, 0, 0, {64, 4})), 0u);
  put(72, uint32_t{4});
  EXPECT_EQ(code(guest.sock_getsockopt(fd, 0, 1, {68}, {72})), 0u);
  EXPECT_EQ(at<int32_t>(68), 2);
  put(80, int64_t{2});
  put(88, int64_t{500'000});
  EXPECT_EQ(code(guest.sock_setsockopt(fd, 0, 11, {80, 16})), 0u);
  EXPECT_EQ((*host.files.get(fd))->recv_timeout, 2'500'000'000u);
  put(72, uint32_t{16});
  EXPECT_EQ(code(guest.sock_getsockopt(fd, 0, 11, {96}, {72})), 0u);
  EXPECT_EQ(at<int64_t>(104), 500'000);
  put(72, uint32_t{2});
  EXPECT_EQ(code(guest.sock_getsockopt(fd, 0, 1, {68}, {72})), number(Errno::inval));
  EXPECT_EQ(code(guest.sock_setsockopt(fd, 1, 0, {64, 4})), number(Errno::noprotoopt));
  EXPECT_EQ(code(guest.sock_setsockopt(fd, 0, 15, {64, 4})), number(Errno::noprotoopt));
}

TEST_F(Sockets, addresses_of_names_fill_the_guests_list) {
  layout::Addrinfo hints{};
  hints.family = wasmedge::kInet4;
  hints.socktype = wasmedge::kStream;
  put(1000, hints);
  layout::Addrinfo element{};
  element.address = 1200;
  put(1100, element);
  layout::Sockaddr target{};
  target.data = 1300;
  put(1200, target);
  put(900, uint32_t{1100});
  std::memcpy(bytes + 2000, "127.0.0.1\0", 10);
  std::memcpy(bytes + 2100, "8080\0", 5);
  ASSERT_EQ(code(guest.sock_getaddrinfo({2000, 10}, {2100, 5}, {1000}, {900}, 1, {904})), 0u);
  EXPECT_EQ(at<uint32_t>(904), 1u);
  EXPECT_EQ(at<layout::Addrinfo>(1100).family, wasmedge::kInet4);
  EXPECT_EQ(at<layout::Sockaddr>(1200).size, 6u);
  EXPECT_EQ(bytes[1300] << 8 | bytes[1301], 8080);
  EXPECT_EQ(at<uint32_t>(1302), 0x0100007fu);

  put(904, uint32_t{7});
  ASSERT_EQ(code(guest.sock_getaddrinfo({2000, 10}, {2100, 5}, {1000}, {900}, 0, {904})), 0u);
  EXPECT_EQ(at<uint32_t>(904), 0u);
  hints.family = 9;
  put(1000, hints);
  EXPECT_EQ(code(guest.sock_getaddrinfo({2000, 10}, {2100, 5}, {1000}, {900}, 1, {904})), number(Errno::aifamily));
}

TEST(Address, of_a_wrong_size_is_refused) {
  const std::vector<uint8_t> bytes(128);
  EXPECT_FALSE(wasmedge::parse_address({bytes.data(), 5}, 80));
  EXPECT_FALSE(wasmedge::parse_address({bytes.data(), 128}, 80));
  EXPECT_FALSE(wasmedge::parse_address({bytes.data(), 4}, 65536));
  EXPECT_TRUE(wasmedge::parse_address({bytes.data(), 16}, 80));
  EXPECT_EQ(wasmedge::to_text(*wasmedge::parse_text_address("[::1]:80")), "[::1]:80");
  EXPECT_FALSE(wasmedge::parse_text_address("127.0.0.1"));
  EXPECT_FALSE(wasmedge::parse_text_address("127.0.0.1:http"));
}

TEST(WasmEdgeImports, have_each_type_of_the_table_once) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const Import& import : wasmedge_imports()) {
    EXPECT_TRUE(seen.emplace(import.name, import.type).second) << import.name << " " << import.type;
  }
  for (const auto& [name, type] : {std::pair{"sock_accept", "ii:i"}, {"sock_recv_from", "iiiiiii:i"},
                                   {"sock_recv_from", "iiiiiiii:i"}, {"sock_recv_from", "iiiiii:i"},
                                   {"sock_send_to", "iiiiiii:i"}, {"sock_send_to", "iiiiii:i"},
                                   {"sock_getpeeraddr", "iiii:i"}, {"sock_getlocaladdr", "iii:i"},
                                   {"sock_getaddrinfo", "iiiiiiii:i"}, {"sock_close", "i:"}, {"epoll_oneoff", "iiii:i"}}) {
    EXPECT_TRUE(seen.contains({name, type})) << name << " " << type;
  }
}

}  // namespace
}  // namespace wherry::wasi
