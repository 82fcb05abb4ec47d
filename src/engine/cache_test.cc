// SPDX-License-Identifier: Apache-2.0
#include "engine/cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "engine/cache_files.h"

namespace wherry::engine {
namespace {

namespace fs = std::filesystem;

class CacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "wherry-cache-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    cache_ = std::move(*Cache::open({.directory = path(), .max_bytes = 100'000}));
    ASSERT_EQ(cache_->unusable(), "");
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string path() const { return root_ / "deeper" / "cache"; }
  static abi::Key key(uint8_t n) {
    abi::Key key{};
    key[0] = n;
    return key;
  }
  Result<UniqueFd> store(uint8_t n, size_t size) {
    UniqueFd file = TRY(cache_->temporary());
    TRY(write_all(file.get(), std::string(size, static_cast<char>(n)), "test"));
    return cache_->store(key(n), std::move(file), 7);
  }
  // As if the entry was last used `ago` seconds ago.
  void age(uint8_t n, time_t ago) {
    const timespec times[2] = {{time(nullptr) - ago, 0}, {0, UTIME_OMIT}};
    utimensat(cache_->directory(), artifact_name(to_hex(key(n))).c_str(), times, 0);
  }
  bool has(uint8_t n) const { return cache_->find(key(n)).has_value(); }

  fs::path root_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CacheTest, finds_what_was_stored_and_lists_it) {
  EXPECT_EQ(cache_->find(key(1)).error().kind, ErrorKind::not_found);
  const auto stored = store(1, 5'000);
  ASSERT_TRUE(stored) << stored.error().message;
  const auto found = cache_->find(key(1));
  ASSERT_TRUE(found);
  struct stat status;
  ASSERT_EQ(fstat(found->get(), &status), 0);
  EXPECT_EQ(status.st_size, 5'000);
  EXPECT_EQ(status.st_mode & 0777, 0400u);
  const auto entries = cache_->list();
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ((*entries)[0].module_size, 7u);
  EXPECT_TRUE((*entries)[0].current);
  EXPECT_TRUE((*entries)[0].mapped);
  EXPECT_EQ(cache_->stats().bytes, 5'000u);
}

TEST_F(CacheTest, stays_below_its_size_by_removing_the_least_recently_used) {
  for (const uint8_t n : {1, 2, 3}) {
    ASSERT_TRUE(store(n, 30'000));
    age(n, 1'000 - n);
  }
  age(1, 10);  // used again
  ASSERT_TRUE(store(4, 30'000));
  EXPECT_TRUE(has(1));
  EXPECT_FALSE(has(2));
  EXPECT_TRUE(has(3));
  EXPECT_TRUE(has(4));
}

TEST_F(CacheTest, never_removes_what_is_mapped) {
  const auto held = store(1, 60'000);
  age(1, 1'000);
  ASSERT_TRUE(store(2, 60'000));
  EXPECT_TRUE(has(1));
  const auto removed = cache_->prune(0);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->entries, 1u);
  EXPECT_TRUE(has(1));
  EXPECT_FALSE(has(2));
}

TEST_F(CacheTest, prunes_entries_of_other_engine_builds_first) {
  ASSERT_TRUE(store(1, 10'000));
  ASSERT_TRUE(store(2, 10'000));
  EntryRecord record;
  record.build.fill('0');
  const std::string name = path() + "/" + record_name(to_hex(key(2)));
  fs::remove(name);
  ASSERT_TRUE(replace_file(name, to_string(record), 0600));
  ASSERT_TRUE(cache_->prune(1'000'000));
  EXPECT_TRUE(has(1));
  EXPECT_FALSE(has(2));
}

TEST_F(CacheTest, verifies_every_byte) {
  ASSERT_TRUE(store(1, 50'000));
  ASSERT_TRUE(store(2, 50'000));
  ASSERT_TRUE(cache_->verify()->empty());
  const std::string name = path() + "/" + artifact_name(to_hex(key(2)));
  chmod(name.c_str(), 0600);
  const UniqueFd file(open(name.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(pwrite(file.get(), "x", 1, 49'999), 1);
  const auto problems = cache_->verify();
  ASSERT_TRUE(problems);
  ASSERT_EQ(problems->size(), 1u);
  EXPECT_EQ((*problems)[0].key, to_hex(key(2)));
  EXPECT_NE((*problems)[0].what.find("its content is not what was written"), std::string::npos);
  EXPECT_FALSE(has(2)) << "it is removed";
  EXPECT_TRUE(cache_->verify()->empty());
}

TEST_F(CacheTest, waits_for_a_lock_and_gets_it_when_its_holder_is_gone) {
  auto lock = cache_->lock(key(1));
  ASSERT_TRUE(lock);
  cache_->unlock(key(1), std::move(*lock));
  auto second = cache_->lock(key(1));
  ASSERT_TRUE(second);
  second->reset();  // as a killed process does: the file stays
  EXPECT_TRUE(cache_->lock(key(1)));
}

TEST_F(CacheTest, that_can_not_be_used_says_why) {
  const auto reason = [](const std::string& directory) {
    return (*Cache::open({.directory = directory}))->unusable();
  };
  EXPECT_EQ(reason("/proc/wherry"), "/proc/wherry: No such file or directory");
  fs::create_symlink(path(), root_ / "link");
  EXPECT_NE(reason(root_ / "link"), "");
  chmod(path().c_str(), 0770);
  EXPECT_EQ(reason(path()), path() + ": others than its owner may write to it");
  chmod(path().c_str(), 0700);
  EXPECT_EQ(reason(path()), "");
}

}  // namespace
}  // namespace wherry::engine
