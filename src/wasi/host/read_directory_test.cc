// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/read_directory.h"

#include <sys/stat.h>

#include <map>
#include <set>

#include "wasi/host/test_directory.h"

namespace wherry::wasi {
namespace {

struct Found {
  uint64_t next;
  Filetype filetype;
};

// All entries from `cookie` on, `at_once` of them a call.
std::map<std::string, Found> list(Descriptor& directory, size_t at_once) {
  std::map<std::string, Found> found;
  uint64_t cookie = 0;
  for (bool more = true; more;) {
    size_t count = 0;
    const Io<void> done = read_directory(directory, cookie, [&](const DirectoryEntry& entry) {
      EXPECT_TRUE(found.emplace(entry.name, Found{entry.next, entry.filetype}).second) << entry.name << " twice";
      cookie = entry.next;
      return ++count < at_once;
    });
    EXPECT_TRUE(done);
    more = count == at_once;
  }
  return found;
}

TEST(ReadDirectory, gives_every_entry_once_however_it_is_asked) {
  const TestDirectory base;
  for (int i = 0; i < 700; i++) base.write("file" + std::to_string(i), "");
  ::mkdir((base / "dir").c_str(), 0755);
  ASSERT_EQ(::symlink("x", (base / "link").c_str()), 0);
  Descriptor root = preopen(base.path());
  for (const size_t at_once : {size_t{1}, size_t{7}, size_t{10000}}) {
    const auto found = list(root, at_once);
    EXPECT_EQ(found.size(), 704u);
    EXPECT_EQ(found.at("dir").filetype, Filetype::directory);
    EXPECT_EQ(found.at("link").filetype, Filetype::symbolic_link);
    EXPECT_EQ(found.at("file7").filetype, Filetype::regular_file);
    EXPECT_TRUE(found.contains(".") && found.contains(".."));
  }
}

TEST(ReadDirectory, cookies_stay_good_while_entries_come_and_go) {
  const TestDirectory base;
  for (int i = 0; i < 50; i++) base.write("stays" + std::to_string(i), "");
  for (int i = 0; i < 50; i++) base.write("goes" + std::to_string(i), "");
  Descriptor root = preopen(base.path());
  std::multiset<std::string> seen;
  uint64_t cookie = 0;
  size_t count = 0;
  ASSERT_TRUE(read_directory(root, 0, [&](const DirectoryEntry& entry) {
    seen.emplace(entry.name);
    cookie = entry.next;
    return ++count < 30;
  }));
  for (int i = 0; i < 50; i++) ::unlink((base / ("goes" + std::to_string(i))).c_str());
  for (int i = 0; i < 50; i++) base.write("comes" + std::to_string(i), "");
  ASSERT_TRUE(read_directory(root, cookie, [&](const DirectoryEntry& entry) {
    seen.emplace(entry.name);
    return true;
  }));
  for (int i = 0; i < 50; i++) EXPECT_EQ(seen.count("stays" + std::to_string(i)), 1u) << i;
}

TEST(ReadDirectory, a_cookie_of_nobody_is_harmless) {
  const TestDirectory base;
  base.write("f", "");
  Descriptor root = preopen(base.path());
  for (const uint64_t cookie : {uint64_t{12345}, ~uint64_t{0}, ~uint64_t{0} >> 1}) {
    size_t count = 0;
    (void)read_directory(root, cookie, [&](const DirectoryEntry&) { return ++count < 100; });
    EXPECT_LT(count, 100u);
  }
}

}  // namespace
}  // namespace wherry::wasi
