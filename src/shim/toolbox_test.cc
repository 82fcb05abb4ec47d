// SPDX-License-Identifier: Apache-2.0
#include "shim/toolbox.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace wherry::shim {
namespace {

using namespace std::string_literals;

std::string section(char id, const std::string& content) { return id + std::string(1, static_cast<char>(content.size())) + content; }

std::string module_with(const std::string& applets) {
  return "\0asm\1\0\0\0"s + section(0, "\4name") + section(1, "\0"s) + section(0, "\x0ewherry.applets" + applets);
}

class Toolbox : public ::testing::Test {
 protected:
  Toolbox() {
    std::string name = std::filesystem::temp_directory_path().string() + "/wherry-toolbox.XXXXXX";
    top_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(top_ + "/bin");
  }
  ~Toolbox() override { std::filesystem::remove_all(top_); }

  void write(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories(std::filesystem::path(top_ + "/" + name).parent_path());
    std::ofstream(top_ + "/" + name, std::ios::binary) << bytes;
  }
  bool has(std::string_view name) { return open_toolbox(top_ + "/bin", name).has_value(); }

  std::string top_;
};

TEST_F(Toolbox, has_the_programs_that_it_lists) {
  EXPECT_FALSE(has("cat"));
  write("libexec/wherry/toolbox.wasm", module_with("ls\ncat\n"));
  EXPECT_TRUE(has("ls"));
  EXPECT_TRUE(has("cat"));
  for (const char* name : {"", "c", "cats", "ls\ncat", "\n"}) EXPECT_FALSE(has(name)) << name;
  const auto program = open_toolbox(top_ + "/bin", "cat");
  EXPECT_EQ(program->kind, sandbox::ProgramKind::wasm_module);
  EXPECT_TRUE(program->file);
}

TEST_F(Toolbox, may_be_beside_the_program_where_the_other_place_is_empty) {
  write("bin/toolbox.wasm", module_with("here"));
  EXPECT_TRUE(has("here"));
  write("libexec/wherry/toolbox.wasm", module_with("there"));
  EXPECT_FALSE(has("here"));
  EXPECT_TRUE(has("there"));
}

TEST_F(Toolbox, that_is_no_module_or_is_cut_has_nothing) {
  const std::string whole = module_with("cat");
  for (size_t size = 0; size < whole.size(); size++) {
    write("bin/toolbox.wasm", whole.substr(0, size));
    EXPECT_FALSE(has("cat")) << size;
  }
  write("bin/toolbox.wasm", whole);
  EXPECT_TRUE(has("cat"));
}

}  // namespace
}  // namespace wherry::shim
