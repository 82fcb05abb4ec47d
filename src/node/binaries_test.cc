// SPDX-License-Identifier: Apache-2.0
#include "node/binaries.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace wherry::node {
namespace {

class Binaries : public ::testing::Test {
 protected:
  // Below a directory that only root can write: /tmp is not trusted.
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    top_ = "/run/wherry-binaries-test.XXXXXX";
    if (!::mkdtemp(top_.data())) GTEST_SKIP() << "can not write to /run";
    for (const char* name : {"wherry", "wherryc", "containerd-shim-wherry-v1"}) write(std::string("bin/") + name, "program");
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(top_, ignored);
  }

  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(top_ + "/" + name).parent_path());
    std::ofstream(top_ + "/" + name) << text;
  }
  std::string read(const std::string& name) {
    std::ifstream file(top_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string top_;
};

TEST_F(Binaries, bring_the_toolbox_from_where_make_install_puts_it) {
  const auto source = open_source(top_ + "/bin");
  ASSERT_TRUE(source);
  EXPECT_EQ(available_binaries(*source)->size(), 3u);
  write("libexec/wherry/toolbox.wasm", "of libexec");
  EXPECT_EQ(available_binaries(*source)->back(), "toolbox.wasm");
  ASSERT_TRUE(install_binaries(*source, top_ + "/node"));
  EXPECT_EQ(read("node/toolbox.wasm"), "of libexec");
  EXPECT_TRUE(outdated_binaries(*source, top_ + "/node")->empty());

  write("bin/toolbox.wasm", "beside");
  EXPECT_EQ(outdated_binaries(*source, top_ + "/node")->front(), "toolbox.wasm");
  ASSERT_TRUE(install_binaries(*source, top_ + "/node"));
  EXPECT_EQ(read("node/toolbox.wasm"), "beside");
}

}  // namespace
}  // namespace wherry::node
