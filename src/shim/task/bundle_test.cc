// SPDX-License-Identifier: Apache-2.0
#include "shim/task/bundle.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/process_stat.h"

namespace wherry::shim {
namespace {

class BundleTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "bundle.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  std::string path_;
};

TEST_F(BundleTest, keeps_notes_for_delete) {
  const Bundle bundle(path_);
  EXPECT_EQ(bundle.read_cgroup(), "");
  EXPECT_FALSE(bundle.read_init());
  ASSERT_TRUE(bundle.write_cgroup("/a/b"));
  ASSERT_TRUE(bundle.write_init(getpid()));
  ASSERT_TRUE(bundle.write_address("unix:///x"));
  EXPECT_EQ(bundle.read_cgroup(), "/a/b");
  ASSERT_TRUE(bundle.read_init());
  EXPECT_EQ(bundle.read_init()->pid, getpid());
  EXPECT_EQ(bundle.read_init()->start_time, start_time(getpid()));
  bundle.forget();
  EXPECT_EQ(bundle.read_cgroup(), "");
  EXPECT_FALSE(bundle.read_init());
  EXPECT_EQ(bundle.read_address(), "unix:///x") << "containerd still needs it";
}

TEST_F(BundleTest, ignores_a_broken_note) {
  for (const char* note : {"", "x", "12", "1 5", "-3 5", "12 0", "99999999999 1"}) {
    SCOPED_TRACE(note);
    std::ofstream(path_ + "/init") << note;
    EXPECT_FALSE(Bundle(path_).read_init());
  }
}

TEST(CheckId, refuses_ways_out_of_a_directory) {
  const struct {
    std::string id;
    const char* error;  // nullptr: fine
  } cases[] = {
      {"a", nullptr},
      {std::string(64, 'f'), nullptr},
      {"a..b", nullptr},
      {"", "container id of 0 bytes, expected 1 to 128"},
      {std::string(129, 'f'), "container id of 129 bytes, expected 1 to 128"},
      {"..", "container id may not be a path"},
      {".", "container id may not be a path"},
      {"a/b", "container id may not be a path"},
      {std::string("a\0b", 3), "container id may not be a path"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.id);
    const auto checked = check_id(c.id);
    ASSERT_EQ(static_cast<bool>(checked), c.error == nullptr);
    if (checked) continue;
    EXPECT_EQ(checked.error().message, c.error);
  }
}

}  // namespace
}  // namespace wherry::shim
