// SPDX-License-Identifier: Apache-2.0
#include "node/journal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "node/binaries.h"

namespace wherry::node {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  // Below a directory that only root can write: /tmp is not trusted.
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_ = "/run/wherry-journal-test.XXXXXX";
    if (!::mkdtemp(directory_.data())) GTEST_SKIP() << "can not write to /run";
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string directory_;
};

TEST_F(JournalTest, keeps_what_was_written) {
  Record record;
  record.phase = Record::Phase::rolled_back;
  record.problem = "it \"did\" not start\n";
  record.file = "/etc/x";
  record.distribution = "k3s";
  record.existed = true;
  record.binaries = {"wherry", "wherryc"};
  {
    auto journal = Journal::create(directory_);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_FALSE((*journal)->record());
    ASSERT_TRUE((*journal)->write(record));
    ASSERT_TRUE((*journal)->write_backup("before"));
  }
  auto journal = Journal::create(directory_);
  ASSERT_TRUE(journal);
  ASSERT_TRUE((*journal)->record());
  EXPECT_EQ((*journal)->record()->phase, record.phase);
  EXPECT_EQ((*journal)->record()->problem, record.problem);
  EXPECT_EQ((*journal)->record()->file, record.file);
  EXPECT_EQ((*journal)->record()->distribution, record.distribution);
  EXPECT_TRUE((*journal)->record()->existed);
  EXPECT_EQ((*journal)->record()->binaries, record.binaries);
  EXPECT_EQ(*(*journal)->backup(), "before");
  ASSERT_TRUE((*journal)->clear());
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(JournalTest, is_one_process_s_at_a_time) {
  auto first = Journal::create(directory_);
  ASSERT_TRUE(first);
  auto second = Journal::create(directory_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(second.error().message.starts_with("another `wherry node` is at work here"));
}

TEST_F(JournalTest, refuses_a_record_that_is_not_one) {
  const std::string head = R"({"problem":"","refused":"","file":"","before":"","after":"","made_directory":"",)"
                           R"("bin_directory":"","handler":"","address":"","existed":true,)";
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string(R"({"phase":3})"), head + R"("phase":"installed"})",
        head + R"("phase":"no such","binaries":[]})", head + R"("phase":"installed","binaries":["../../etc/passwd"]})"}) {
    ASSERT_TRUE(replace_file(directory_ + "/record.json", text, 0600));
    const auto record = read_record(directory_);
    ASSERT_FALSE(record) << text;
    EXPECT_EQ(record.error().message, directory_ + "/record.json: not a record of ours");
  }
  ASSERT_TRUE(replace_file(directory_ + "/record.json", head + R"("phase":"installed","binaries":["wherry"]})", 0600));
  EXPECT_TRUE(read_record(directory_));
}

TEST_F(JournalTest, and_binaries_go_nowhere_where_others_could_exchange_them) {
  const std::string shared = directory_ + "/shared";
  ASSERT_EQ(::mkdir(shared.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(shared.c_str(), 0777), 0);
  for (const std::string& place : {shared, shared + "/below", std::string("/tmp/wherry")}) {
    const auto trusted = check_trusted_directory(place);
    ASSERT_FALSE(trusted) << place;
    EXPECT_EQ(trusted.error().kind, ErrorKind::denied);
  }
  EXPECT_FALSE(check_trusted_directory("relative"));
  EXPECT_TRUE(check_trusted_directory(directory_ + "/new/bin"));
}

}  // namespace
}  // namespace wherry::node
