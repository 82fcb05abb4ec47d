// SPDX-License-Identifier: Apache-2.0
#include "shim/task/runc.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace wherry::shim {
namespace {

namespace fs = std::filesystem;

// A directory with programs in place of runc.
class RuncTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "runc.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  void TearDown() override { fs::remove_all(directory); }

  void add(const std::string& path, const std::string& script) {
    fs::create_directories((directory / path).parent_path());
    std::ofstream(directory / path) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(directory / path, fs::perms::owner_all);
  }
  std::unique_ptr<Runc> runc(const std::string& search_path) { return std::move(*Runc::create(search_path, directory / "own", "id", false)); }
  std::string at(const std::string& path) const { return (directory / path).string(); }

  fs::path directory;
};

TEST_F(RuncTest, says_whether_it_maps_ids) {
  const std::pair<const char*, bool> cases[] = {
      {R"(echo '{"linux": {"mountExtensions": {"idmap": {"enabled": true}}}}')", true},
      {R"(echo '{"linux": {"mountExtensions": {"idmap": {"enabled": false}}}}')", false},
      {R"(echo '{"linux": {"mountExtensions": null}}')", false},
      {R"(echo '{"linux": {}}')", false},
      {"echo '[]'", false},
      {"echo no JSON", false},
      {R"(echo '{"linux": {"mountExtensions": {"idmap": {"enabled": true}}}}'; exit 1)", false},
  };
  for (const auto& [script, maps] : cases) {
    SCOPED_TRACE(script);
    add("bin/runc", script);
    const auto checked = runc(at("bin"))->check_maps_ids();
    EXPECT_EQ(bool(checked), maps);
    if (!checked) {
      EXPECT_EQ(checked.error().message, "id-mapped mounts of a native program need runc 1.2 or later, which " + at("bin/runc") + " is not");
    }
  }
}

TEST_F(RuncTest, is_looked_for_in_absolute_directories_and_before_crun) {
  const std::string no = R"(echo '{}')", yes = R"(echo '{"linux": {"mountExtensions": {"idmap": {"enabled": true}}}}')";
  add("run/runc", yes);  // its name begins as the program's does
  add("other/crun", no);
  EXPECT_TRUE(runc(at("other") + ":" + at("run"))->check_maps_ids());
  EXPECT_FALSE(runc(at("other"))->check_maps_ids());
  for (const char* none : {"", ":", "run", "/no/such"}) EXPECT_FALSE(runc(none)->start()) << none;
}

}  // namespace
}  // namespace wherry::shim
