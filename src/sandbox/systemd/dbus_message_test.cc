// SPDX-License-Identifier: Apache-2.0
#include "sandbox/systemd/dbus_message.h"

#include <gtest/gtest.h>

namespace wherry::sandbox::dbus {
namespace {

using std::string_literals::operator""s;

std::string sample() {
  Writer body;
  body.string("unit");
  return marshal({"to", "/p", "a.B", "Go", "s", body.bytes()}, 7);
}

TEST(DbusMessage, is_written_as_the_specification_has_it) {
  const std::string header = "l\1\0\1" "\x09\0\0\0" "\7\0\0\0" "\x47\0\0\0"s;
  const std::string fields =
      "\1\1o\0" "\2\0\0\0" "/p\0\0" "\0\0\0\0"
      "\6\1s\0" "\2\0\0\0" "to\0\0" "\0\0\0\0"
      "\2\1s\0" "\3\0\0\0" "a.B\0" "\0\0\0\0"
      "\3\1s\0" "\2\0\0\0" "Go\0\0" "\0\0\0\0"
      "\x08\1g\0" "\1s\0"s;
  const std::string padding(1, '\0');
  EXPECT_EQ(sample(), header + fields + padding + "\4\0\0\0unit\0"s);
}

TEST(DbusMessage, is_read_as_it_was_written) {
  const std::string text = sample();
  ASSERT_EQ(*message_size(text), text.size());
  const auto message = parse(text);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->type, Type::method_call);
  EXPECT_EQ(message->interface, "a.B");
  EXPECT_EQ(message->member, "Go");
  EXPECT_EQ(message->signature, "s");
  Reader in(message->body);
  EXPECT_EQ(*in.string(), "unit");
  EXPECT_TRUE(in.at_end());
}

TEST(DbusMessage, that_is_cut_or_changed_is_an_error_and_no_more) {
  const std::string text = sample();
  for (size_t size = 0; size < text.size(); size++) EXPECT_FALSE(parse(text.substr(0, size))) << size;
  for (size_t at = 0; at < text.size(); at++) {
    for (const int value : {0, 1, 0x7f, 0xff}) {
      std::string changed = text;
      changed[at] = static_cast<char>(value);
      if (const auto message = parse(changed)) {
        Reader in(message->body);
        (void)in.string();
      }
    }
  }
}

TEST(DbusMessage, of_more_than_a_mebibyte_is_refused_by_its_header) {
  std::string text = sample();
  text[6] = 0x20;  // 2 MiB of body
  EXPECT_EQ(message_size(text).error().message, "D-Bus: a message of more than 1 MiB");
}

}  // namespace
}  // namespace wherry::sandbox::dbus
