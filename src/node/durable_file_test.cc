// SPDX-License-Identifier: Apache-2.0
#include "node/durable_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/fd.h"
#include "node/config_change.h"

namespace wherry::node {
namespace {

class DurableFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_TRUE(::mkdtemp(directory_.data()));
    file_ = directory_ + "/f";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string content() const { return content_of(file_); }
  static std::string content_of(const std::string& path) {
    const auto text = read_file(path, 100);
    return text ? *text : "none";
  }
  static bool is_gone(const std::string& directory) {
    const auto gone = remove_if_empty(directory);
    EXPECT_TRUE(gone);
    return gone && *gone;
  }

  std::string directory_ = "/tmp/wherry-durable-test.XXXXXX";
  std::string file_;
};

TEST_F(DurableFileTest, replaces_with_owner_and_mode) {
  ASSERT_TRUE(replace_durably(file_, "old", {.mode = 0600}));
  ASSERT_TRUE(replace_durably(file_, "new", {.mode = 0440, .user = 7, .group = 8}));
  EXPECT_EQ(content(), "new");
  struct stat info;
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0440u);
  EXPECT_EQ(info.st_uid, 7u);
  EXPECT_EQ(info.st_gid, 8u);
}

TEST_F(DurableFileTest, takes_over_what_a_killed_one_left_and_follows_no_link_there) {
  ASSERT_TRUE(replace_file(directory_ + "/other", "other", 0644));
  ASSERT_EQ(::symlink("other", (file_ + ".wherry-new").c_str()), 0);
  ASSERT_TRUE(replace_durably(file_, "new", {}));
  EXPECT_EQ(content(), "new");
  EXPECT_EQ(content_of(directory_ + "/other"), "other");
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(file_ + ".wherry-new")));
}

TEST_F(DurableFileTest, leaves_the_file_where_it_fails) {
  ASSERT_TRUE(replace_file(file_, "old", 0644));
  ASSERT_EQ(::mkdir((file_ + ".wherry-new").c_str(), 0755), 0);  // in the way
  EXPECT_FALSE(replace_durably(file_, "new", {}));
  EXPECT_EQ(content(), "old");
}

TEST_F(DurableFileTest, removes_what_may_not_be_there) {
  ASSERT_TRUE(replace_durably(file_, "x", {}));
  ASSERT_TRUE(replace_file(file_ + ".wherry-new", "half", 0600));
  EXPECT_TRUE(remove_durably(file_));
  EXPECT_TRUE(remove_durably(file_));
  EXPECT_TRUE(is_gone(directory_));
  EXPECT_TRUE(is_gone(directory_));
}

TEST_F(DurableFileTest, a_directory_with_something_in_it_stays) {
  ASSERT_TRUE(replace_durably(file_, "x", {}));
  EXPECT_FALSE(is_gone(directory_));
}

TEST_F(DurableFileTest, a_configuration_that_is_a_link_into_nothing_is_refused) {
  ASSERT_EQ(::symlink("nowhere", file_.c_str()), 0);
  EXPECT_FALSE(write_config(file_, "x"));
  EXPECT_TRUE(std::filesystem::is_symlink(file_));
}

}  // namespace
}  // namespace wherry::node
