// SPDX-License-Identifier: Apache-2.0
#include "label/http_answer.h"

#include <gtest/gtest.h>

namespace wherry::label {
namespace {

std::string parsed(std::string_view bytes) {
  const auto answer = parse_answer(bytes);
  return answer ? std::to_string(answer->status) + " " + answer->body : answer.error().message;
}

TEST(HttpAnswer, has_a_body_of_the_length_that_it_says_or_up_to_its_end) {
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\n\r\n"), "200 ");
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"), "200 body");
  EXPECT_EQ(parsed("HTTP/1.0 403\r\nContent-Length:  4\r\n\r\nbody and more"), "403 body");
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody"), "the API server's answer ends within its body");
}

TEST(HttpAnswer, may_come_in_chunks) {
  constexpr const char* kHead = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n";
  EXPECT_EQ(parsed(kHead + std::string("3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n")), "200 abc0123456789");
  for (const char* broken : {"", "3", "3\r\nab", "3\r\nabc", "3\r\nabcd\r\n0\r\n", "\r\n", "x\r\n", "-1\r\n", "ffffffffffffffff\r\nabc\r\n", "fffffffffffffffff\r\nabc\r\n", "3\r\nabc\r\n"})
    EXPECT_TRUE(parsed(kHead + std::string(broken)).find("chunk") != std::string::npos) << broken;
}

TEST(HttpAnswer, is_nothing_else) {
  for (const char* text : {"", "\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 099 \r\n\r\n", "HTTP/1.1 -10 \r\n\r\n", "SSH-2.0-x\r\n\r\n"})
    EXPECT_EQ(parsed(text), "the API server's answer is not HTTP/1.1") << text;
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\nA: b\r\n"), "the API server's answer ends within its headers");
  EXPECT_EQ(parsed("HTTP/1.1 200 OK\r\nnothing\r\n\r\n"), "the API server's answer has a broken header");
}

TEST(HttpAnswer, says_why_in_one_line) {
  EXPECT_EQ(message_of({403, R"({"kind":"Status","message":"nodes \"a\" is\nforbidden"})"}), "nodes \"a\" is?forbidden");
  EXPECT_EQ(message_of({500, "oops\n"}), "oops?");
  EXPECT_EQ(message_of({500, R"({"message":7})"}), R"({"message":7})");
  EXPECT_EQ(message_of({500, "[]"}), "[]");
  EXPECT_EQ(message_of({500, ""}), "");
  EXPECT_EQ(message_of({500, std::string(1000, 'x')}).size(), 300u);
}

}  // namespace
}  // namespace wherry::label
