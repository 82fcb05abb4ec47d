// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mapped_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/shared_limit.h"
#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

class MappedFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  static Result<UniqueFd> open_own(std::string_view name, int flags) { return TRY(MappedFiles::of(::getpid())).open(name, flags); }
};

// The init of a container with that limit: another process, which maps no other.
Result<UniqueFd> open_of_init(TestContainer& container, uint64_t limit, SharedLimit::Writer writer) {
  container.memory_limit = TRY(SharedLimit::create(limit, writer));
  container.run_probe({"hold"});
  TRY(container.launch());
  return TRY(MappedFiles::of(container.init().pid())).open(SharedLimit::kFileName, O_WRONLY);
}

TEST_F(MappedFilesTest, let_root_change_a_limit_that_is_meant_to_be) {
  TestContainer container;
  const auto fd = open_of_init(container, 100, SharedLimit::Writer::root);
  ASSERT_TRUE(fd) << fd.error().message;
  ASSERT_TRUE(write_shared_limit(fd->get(), 200));
  SharedLimit& limit = *container.memory_limit;
  EXPECT_EQ(limit.get(), 200u);
  // What the container gets is no way to write it.
  EXPECT_FALSE(write_shared_limit(limit.fd(), 300));
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, limit.fd(), 0), MAP_FAILED);
}

TEST_F(MappedFilesTest, are_no_way_to_write_what_is_its_creators) {
  TestContainer container;
  const auto fd = open_of_init(container, 100, SharedLimit::Writer::creator);
  ASSERT_TRUE(fd) << fd.error().message;
  EXPECT_FALSE(write_shared_limit(fd->get(), 200));
  EXPECT_EQ(container.memory_limit->get(), 100u);
}

TEST_F(MappedFilesTest, are_not_those_that_another_made_under_the_name) {
  const UniqueFd file(::memfd_create("mapped-files-test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 4096), 0);
  void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(page, MAP_FAILED);
  const auto fd = open_own("mapped-files-test", O_RDONLY);
  ::munmap(page, 4096);
  ASSERT_FALSE(fd);
  EXPECT_TRUE(fd.error().message.ends_with(": not a sealed memory file")) << fd.error().message;
}

TEST_F(MappedFilesTest, are_not_found_where_there_are_none) {
  const auto fd = open_own("no-such-file", O_RDONLY);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().kind, ErrorKind::not_found);
  EXPECT_FALSE(MappedFiles::of(1 << 30));
}

}  // namespace
}  // namespace wherry::sandbox
