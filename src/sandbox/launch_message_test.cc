// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launch_message.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace wherry::sandbox {
namespace {

TEST(ErrorText, gives_back_each_kind_with_its_words) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::io); kind++) {
    const Error error = error_from_text(error_to_text({static_cast<ErrorKind>(kind), "no such user"}));
    EXPECT_EQ(error.kind, static_cast<ErrorKind>(kind));
    EXPECT_EQ(error.message, "no such user");
  }
}

TEST(ErrorText, is_an_error_whatever_it_is) {
  for (const char* text : {"", "@x", "Zx", "\xffx", "\x01", "~"}) EXPECT_EQ(error_from_text(text).kind, ErrorKind::malformed) << text;
}

TEST(LaunchMessage, comes_as_it_was_written) {
  const auto file = write_launch_message({.kind = InitKind::exec, .is_toolbox = true, .oom_score_adj = -998, .id = "c", .bundle = "/b", .rootfs = "",
                                          .invoke = "run", .spec_json = "{}", .process_json = "{\"cwd\":\"/\"}", .settings = "a=b"});
  ASSERT_TRUE(file);
  const auto message = read_launch_message(file->get());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, InitKind::exec);
  EXPECT_TRUE(message->is_toolbox);
  EXPECT_FALSE(message->has_stats);
  EXPECT_EQ(message->oom_score_adj, -998);
  EXPECT_EQ(message->id, "c");
  EXPECT_EQ(message->rootfs, "");
  EXPECT_EQ(message->process_json, "{\"cwd\":\"/\"}");
  EXPECT_EQ(message->settings, "a=b");
}

TEST(LaunchMessage, is_whole_or_an_error) {
  const auto file = write_launch_message({.id = "container", .bundle = {}, .rootfs = {}, .invoke = {}, .spec_json = "{}", .process_json = {}, .settings = {}});
  ASSERT_TRUE(file);
  const off_t size = ::lseek(file->get(), 0, SEEK_END);
  for (off_t length = size - 1; length >= 0; length--) {
    ASSERT_EQ(::ftruncate(file->get(), length), 0);
    ASSERT_EQ(::lseek(file->get(), 0, SEEK_SET), 0);
    EXPECT_FALSE(read_launch_message(file->get())) << length;
  }
}

}  // namespace
}  // namespace wherry::sandbox
