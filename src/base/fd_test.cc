// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace wherry {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "fd_test.XXXXXX";
    directory_ = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string path(const char* name) const { return directory_ + "/" + name; }
  std::string directory_;
};

TEST_F(Files, read_file_gives_back_what_was_written) {
  const std::string content(100'000, 'x');
  ASSERT_TRUE(replace_file(path("a"), content, 0644));
  const auto read = read_file(path("a"), 1 << 20);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, content);
}

TEST_F(Files, read_file_refuses_more_than_its_limit) {
  ASSERT_TRUE(replace_file(path("a"), "12345", 0644));
  const auto read = read_file(path("a"), 4);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::exhausted);
}

TEST_F(Files, a_pipe_is_read_to_its_limit_too) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ASSERT_TRUE(write_all(writer.get(), "123456789", "pipe"));
  writer.reset();
  EXPECT_FALSE(read_all(reader.get(), 4, "pipe"));
}

TEST_F(Files, a_missing_file_is_not_found) { EXPECT_EQ(read_file(path("no"), 10).error().kind, ErrorKind::not_found); }

TEST_F(Files, replace_file_leaves_the_old_content_and_nothing_else_when_it_fails) {
  ASSERT_FALSE(replace_file(path("none/a"), "x", 0644));
  ASSERT_EQ(::mkdir(path("a").c_str(), 0755), 0);
  ASSERT_FALSE(replace_file(path("a"), "x", 0644));
  size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory_)) ++entries;
  EXPECT_EQ(entries, 1u);
}

TEST(UniqueFd, closes_what_it_owns_and_only_that) {
  const int raw = ::dup(0);
  ASSERT_GE(raw, 0);
  {
    UniqueFd first(raw);
    UniqueFd second(std::move(first));
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), raw);
  }
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
}

}  // namespace
}  // namespace wherry
