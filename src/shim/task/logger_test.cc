// SPDX-License-Identifier: Apache-2.0
#include "shim/task/logger.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace wherry::shim {
namespace {

constexpr std::chrono::milliseconds kPatience{5000};

class LoggerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/wherry-logger-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    std::filesystem::remove_all(directory_);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  }

  Logger::Config script(const std::string& text) {
    const std::string path = directory_ + "/logger";
    std::ofstream(path) << "#!/bin/sh\n" << text;
    ::chmod(path.c_str(), 0755);
    Logger::Config config;
    config.path = path;
    config.args = {"file", directory_ + "/out"};
    config.container = "c1";
    config.ns = "n1";
    return config;
  }

  std::string written() const {
    std::ifstream in(directory_ + "/out");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string directory_;
};

TEST(LoggerUri, has_a_path_and_arguments) {
  const auto config = Logger::parse("binary-v2", "/usr/bin/my%20logger?a=1&file=%2Ftmp%2Fx+y&flag&&c=d%3De");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->path, "/usr/bin/my logger");
  EXPECT_EQ(config->args, (std::vector<std::string>{"a", "1", "file", "/tmp/x y", "flag", "", "c", "d=e"}));
  EXPECT_TRUE(config->must_say_ready);
  EXPECT_FALSE(Logger::parse("binary", "relative"));
  EXPECT_FALSE(Logger::parse("binary", ""));
  for (const char* bad : {"/a%2", "/a%", "/a%zz", "/a?b=%00"}) EXPECT_FALSE(Logger::parse("binary", bad)) << bad;
  std::string many = "/a?";
  for (int i = 0; i < 1000; i++) many += "a=b&";
  EXPECT_FALSE(Logger::parse("binary", many));
}

TEST_F(LoggerTest, gets_both_outputs_to_their_ends) {
  const auto logger = Logger::create(script("echo $CONTAINER_ID $CONTAINER_NAMESPACE $# > $2; echo >&5; cat <&3 >> $2; cat <&4 >> $2; env | wc -l >> $2\n"), kPatience);
  ASSERT_TRUE(logger) << logger.error().message;
  ASSERT_TRUE(write_all((*logger)->take_stdout().get(), "to stdout\n", ""));
  ASSERT_TRUE(write_all((*logger)->take_stderr().get(), "to stderr\n", ""));
  (*logger)->finish();
  EXPECT_TRUE(written().starts_with("c1 n1 2\nto stdout\nto stderr\n")) << written();
}

TEST_F(LoggerTest, may_be_ready_by_closing_in_the_first_version_only) {
  Logger::Config config = script("exec 5>&-; cat <&3 > $2\n");
  const auto first = Logger::create(config, kPatience);
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(write_all((*first)->take_stdout().get(), "x\n", ""));
  (*first)->finish();
  EXPECT_EQ(written(), "x\n");
  config.must_say_ready = true;
  const auto second = Logger::create(config, kPatience);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "logging program " + config.path + ": it has not said that it is ready");
}

TEST_F(LoggerTest, that_fails_or_hangs_is_an_error) {
  Logger::Config config = script("exit 3\n");
  EXPECT_EQ(Logger::create(config, kPatience).error().message, "logging program " + config.path + ": it ended before it was ready");
  config = script("exec sleep 100\n");
  EXPECT_EQ(Logger::create(config, std::chrono::milliseconds(1000)).error().message, "logging program " + config.path + ": not ready within 1 s");
  config.path += "-missing";
  EXPECT_EQ(Logger::create(config, kPatience).error().message, "logging program " + config.path + ": No such file or directory");
}

TEST_F(LoggerTest, that_does_not_leave_is_told_to) {
  const auto logger = Logger::create(script("trap 'echo told > $2; exit' TERM; echo >&5; while :; do sleep 0.05; done\n"), kPatience);
  ASSERT_TRUE(logger) << logger.error().message;
  (*logger)->finish();
  EXPECT_EQ(written(), "told\n");
}

}  // namespace
}  // namespace wherry::shim
